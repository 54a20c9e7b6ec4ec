package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// frozenSums keep anybody from making the frozen files anew.
var frozenSums = map[string]string{
	"v1/envelope.json":     "ce1f5616e141d41fddefe1669dcbca9bad8dfe42b72b9274a574ae2a39fc8642",
	"v1/key-file.txt":      "2d4990afdf74fcce4bd35f3c90b7f5b9313225b3ac0ede44bc3e9657e9a147b0",
	"v1/records.json":      "9fcc4c3d234bc0bca26d85d73057af927e05f3750c68ac7fe3aa535dd33f3dd3",
	"v1/recovery-code.txt": "f02bfdb8a6fbeefc0771276925cd198d2ee834a39431667d49ebc010eab6213b",
}

// The same passphrase as in the frozen files, composed differently.
const frozenPassphrase = "cafe\u0301 five silver foxes"

func frozen(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	must(t, err)
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != frozenSums[name] {
		t.Fatalf("%s was altered: frozen files are for ever", name)
	}
	return raw
}

// thaw puts the records of a frozen vault into a store of today.
func thaw(t *testing.T, name string) *house {
	t.Helper()
	var all map[string]map[string]json.RawMessage
	must(t, json.Unmarshal(frozen(t, name), &all))
	h := newHouse(t)
	must(t, h.store.Update(func(tx *store.Tx) error {
		for collection, records := range all {
			for key, value := range records {
				if err := store.NewCollection[json.RawMessage](collection).Put(tx, key, value); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	h.restart()
	return h
}

func TestFormat1OpensForEver(t *testing.T) {
	t.Parallel()
	waysIn := map[string]func(h *house) error{
		"passphrase":    func(h *house) error { return h.Unlock([]byte(frozenPassphrase)) },
		"recovery code": func(h *house) error { return h.UnlockWithRecoveryCode(frozen(t, "v1/recovery-code.txt")) },
		"key file":      func(h *house) error { return h.UnlockWithKey(frozen(t, "v1/key-file.txt")) },
	}
	for name, unlock := range waysIn {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := thaw(t, "v1/records.json")
			h.clock.advance(time.Hour) // past the frozen delay
			must(t, unlock(h))
			keys(t, h)
			must(t, h.Rotate(t.Context()))
			must(t, h.ChangePassphrase([]byte(frozenPassphrase), []byte(testPassphrase)))
			h.restart()
			must(t, h.Unlock([]byte(testPassphrase)))
			keys(t, h)
		})
	}
}

// keys checks the provider keys of the frozen vault.
func keys(t *testing.T, h *house) {
	t.Helper()
	want := []struct{ resource, label, baseURL, secret string }{
		{"llm:openai", "work", "https://api.example.com/v1", "sk-frozen-one"},
		{"mail:resend", "default", "", "re_frozen_two"},
		{"llm:openai", "home", "http://127.0.0.1:11434/v1", "sk-frozen-three"},
	}
	list, err := h.Credentials()
	must(t, err)
	if len(list) != len(want) {
		t.Fatalf("%d keys, want %d", len(list), len(want))
	}
	for i, w := range want {
		c, secret, err := h.ReleaseByID(list[i].ID)
		if err != nil || c.Resource != w.resource || c.Label != w.label || c.BaseURL != w.baseURL || string(secret.Bytes()) != w.secret {
			t.Errorf("key %d: %+v, %v", i, c, err)
		}
	}
}

func TestEnvelopeOfFormat1OpensForEver(t *testing.T) {
	t.Parallel()
	envelope := frozen(t, "v1/envelope.json")
	for _, with := range []Unlocker{
		WithPassphrase([]byte(frozenPassphrase)),
		WithRecoveryCode(frozen(t, "v1/recovery-code.txt")),
		WithKeyFile(frozen(t, "v1/key-file.txt")),
	} {
		if key, err := OpenBackupEnvelope(envelope, with); err != nil || !bytes.Equal(key, backupKey) {
			t.Errorf("%s: %x, %v", with.Kind(), key, err)
		}
	}
}
