package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/keywicket/keywicket/internal/store"
)

const (
	testPassphrase = "seven silver foxes"
	canary         = "sk-canary-7f3a9c51d2e84b60"
)

var cheap = Argon2Params{MemoryKiB: 8, Passes: 1, Threads: 1}

// clock is a hand-set clock.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// house is a vault in its data directory, which can be restarted.
type house struct {
	t     *testing.T
	dir   string
	clock *clock
	store *store.Store
	*Vault
	derived atomic.Int32 // how often a passphrase was run through Argon2
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), clock: newClock()}
	h.start()
	t.Cleanup(func() { _ = h.store.Close() })
	return h
}

func (h *house) start() {
	h.t.Helper()
	var err error
	if h.store, err = store.Open(store.Config{Dir: h.dir}); err != nil {
		h.t.Fatal(err)
	}
	if h.Vault, err = New(Config{Store: h.store, Clock: h.clock.now, Argon2: cheap}); err != nil {
		h.t.Fatal(err)
	}
	h.derive = func(passphrase, salt []byte, cost Argon2Params) []byte {
		h.derived.Add(1)
		return argon2id(passphrase, salt, cost)
	}
}

func (h *house) restart() {
	h.t.Helper()
	if err := h.store.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.start()
}

// furnished is set up, unlocked and holds one key.
func furnished(t *testing.T) (*house, Credential) {
	t.Helper()
	h := newHouse(t)
	must(t, h.Init([]byte(testPassphrase)))
	return h, h.add("llm:openai", "work", "https://api.example.com/v1", canary)
}

func (h *house) add(resource, label, baseURL, secret string) Credential {
	h.t.Helper()
	c, err := h.AddCredential(NewCredential{Resource: resource, Label: label, BaseURL: baseURL, Secret: NewSecret([]byte(secret))})
	must(h.t, err)
	return c
}

// slot returns the oldest slot of a kind.
func (h *house) slot(kind SlotKind) Slot {
	h.t.Helper()
	slots, err := h.Slots()
	must(h.t, err)
	for _, s := range slots {
		if s.Kind == kind {
			return s
		}
	}
	h.t.Fatalf("no %s slot", kind)
	return Slot{}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestLifeOfAVault(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if h.Initialized() || !h.Locked() {
		t.Fatal("a new vault is set up or unlocked")
	}
	is(t, h.Unlock([]byte(testPassphrase)), ErrNotInitialized)
	is(t, h.VerifyFromConsole([]byte(testPassphrase)), ErrNotInitialized)
	is(t, h.UnlockWithKey(formatKeyFile(make([]byte, 32))), ErrNotInitialized)

	must(t, h.Init([]byte(testPassphrase)))
	if !h.Initialized() || h.Locked() {
		t.Fatal("after Init the vault is not set up or locked")
	}
	is(t, h.Init([]byte("another passphrase")), ErrInitialized)
	added := h.add("llm:openai", "work", "", canary)

	h.restart()
	if !h.Initialized() || !h.Locked() {
		t.Fatal("after a restart the vault is not set up or not locked")
	}
	_, _, err := h.Release("llm:openai")
	is(t, err, ErrLocked)
	_, _, err = h.ReleaseByID(added.ID)
	is(t, err, ErrLocked)
	_, err = h.AddCredential(NewCredential{Resource: "llm:groq", Secret: NewSecret([]byte("x"))})
	is(t, err, ErrLocked)
	_, _, err = h.AddKeyFileSlot("")
	is(t, err, ErrLocked)
	is(t, h.Init([]byte("another passphrase")), ErrInitialized)

	must(t, h.VerifyFromConsole([]byte(testPassphrase)))
	if !h.Locked() {
		t.Fatal("VerifyFromConsole unlocked the vault")
	}
	must(t, h.Unlock([]byte(testPassphrase)))
	c, secret, err := h.Release("llm:openai")
	must(t, err)
	if !same(c, added) || string(secret.Bytes()) != canary {
		t.Fatalf("released %+v, want %+v, or another secret", c, added)
	}
	must(t, h.Unlock([]byte(testPassphrase))) // once more does no harm
}

func TestNewRequires(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("opened without a store")
	}
	h := newHouse(t)
	if _, err := New(Config{Store: h.store, Argon2: Argon2Params{MemoryKiB: 1 << 21, Passes: 1, Threads: 1}}); err == nil {
		t.Error("accepted 2 GiB")
	}
	v, err := New(Config{Store: h.store})
	must(t, err)
	if v.cost.MemoryKiB < 64<<10 {
		t.Errorf("default cost is %+v, want at least 64 MiB", v.cost)
	}
}

func TestKeysWithoutSlotsAreDamage(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	slots, err := h.Slots()
	must(t, err)
	must(t, h.store.Update(func(tx *store.Tx) error { return slotRecords.Delete(tx, slots[0].ID) }))
	_, err = New(Config{Store: h.store, Argon2: cheap})
	is(t, err, ErrDamaged)
}

func TestLockTellsWatchers(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	var calls []string
	h.OnLock(func() {
		if !h.Locked() {
			t.Error("called before locking")
		}
		calls = append(calls, "first")
	})
	h.OnLock(func() { calls = append(calls, "second") })
	h.Lock()
	if len(calls) != 2 || calls[0] != "first" || calls[1] != "second" {
		t.Errorf("calls: %v", calls)
	}
	_, _, err := h.Release("llm:openai")
	is(t, err, ErrLocked)
}

func TestReleaseAgainstLock(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	var locked atomic.Bool
	var released, refused atomic.Int32
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			<-start
			for refused.Load() < 100 {
				after := locked.Load()
				_, secret, err := h.Release("llm:openai")
				switch {
				case err == nil && after:
					t.Error("released after Lock had returned")
					return
				case err == nil && string(secret.Bytes()) != canary:
					t.Error("released another secret")
					return
				case err == nil:
					released.Add(1)
					secret.Zero()
				case errors.Is(err, ErrLocked):
					refused.Add(1)
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		<-start
		for released.Load() < 100 {
			time.Sleep(time.Millisecond)
		}
		h.Lock()
		locked.Store(true)
	})
	close(start)
	wg.Wait()
}

func TestConcurrentChanges(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	var wg sync.WaitGroup
	var won atomic.Int32
	for range 6 {
		wg.Go(func() {
			_, err := h.AddCredential(NewCredential{Resource: "llm:groq", Label: "same", Secret: NewSecret([]byte("gsk"))})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrCredentialExists):
				t.Error(err)
			}
			if _, err := h.Credentials(); err != nil {
				t.Error(err)
			}
			if _, _, err := h.AddKeyFileSlot(""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d added the same label", won.Load())
	}
	slots, err := h.Slots()
	must(t, err)
	if len(slots) != 7 {
		t.Errorf("%d slots, want 7", len(slots))
	}
}

func TestNoSecretInTheDataDirectory(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	_, keyFile, err := h.AddKeyFileSlot("server")
	must(t, err)
	_, code, err := h.AddRecoveryCode("")
	must(t, err)
	secret, err := parseRecoveryCode(code)
	must(t, err)
	root := keysetBytes(t, h.root)
	must(t, h.Rotate(t.Context()))
	must(t, h.store.Close())
	needles := map[string][]byte{
		"provider key":           []byte(canary),
		"provider key in base64": []byte(base64.StdEncoding.EncodeToString([]byte(canary)))[:28],
		"passphrase":             []byte(testPassphrase),
		"key file":               bytes.TrimPrefix(bytes.TrimSpace(keyFile), []byte(keyFileMark)),
		"recovery code":          code,
		"recovery code's bits":   secret,
		"root key":               root,
		"rotated root key":       keysetBytes(t, h.root),
		"base URL":               []byte("api.example.com"),
		"label":                  []byte("server"),
	}
	entries, err := os.ReadDir(h.dir)
	must(t, err)
	if len(entries) == 0 {
		t.Fatal("the data directory is empty")
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(h.dir, e.Name()))
		must(t, err)
		for name, needle := range needles {
			if bytes.Contains(raw, needle) {
				t.Errorf("%s holds the %s", e.Name(), name)
			}
		}
	}
}

// keysetBytes is the root key itself, 32 bytes.
func keysetBytes(t *testing.T, r *root) []byte {
	t.Helper()
	var text bytes.Buffer
	must(t, insecurecleartextkeyset.Write(r.keys, keyset.NewJSONWriter(&text)))
	var all struct {
		Key []struct {
			KeyData struct {
				Value []byte `json:"value"`
			} `json:"keyData"`
		} `json:"key"`
	}
	must(t, json.Unmarshal(text.Bytes(), &all))
	value := all.Key[0].KeyData.Value
	return value[len(value)-32:]
}

func TestUnlockersAreNotPrinted(t *testing.T) {
	t.Parallel()
	for _, with := range []Unlocker{WithPassphrase([]byte(canary)), WithRecoveryCode([]byte(canary)), WithKeyFile([]byte(canary))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, with) + fmt.Sprintf(verb, &struct{ u Unlocker }{with}); strings.Contains(text, canary) ||
				strings.Contains(text, hex.EncodeToString([]byte(canary))) {
				t.Errorf("%s shows a %s", verb, with.Kind())
			}
		}
	}
}
