package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

var backupKey = bytes.Repeat([]byte{0x5a}, 32)

func TestBackupEnvelopeOpensWithEverySlot(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	_, code, err := h.AddRecoveryCode("")
	must(t, err)
	_, keyFile, err := h.AddKeyFileSlot("")
	must(t, err)
	sealed, err := h.WrapForBackup(backupKey)
	must(t, err)
	_, later, err := h.AddRecoveryCode("later")
	must(t, err)
	if bytes.Contains(sealed, backupKey) {
		t.Fatal("the envelope holds the key")
	}
	rows := []struct {
		name string
		with Unlocker
		want error
	}{
		{"passphrase", WithPassphrase([]byte(testPassphrase)), nil},
		{"recovery code", WithRecoveryCode(code), nil},
		{"recovery code in small letters", WithRecoveryCode(bytes.ToLower(code)), nil},
		{"key file", WithKeyFile(keyFile), nil},
		{"another passphrase", WithPassphrase([]byte("nine golden badgers")), ErrWrongPassphrase},
		{"no passphrase", WithPassphrase(nil), ErrWrongPassphrase},
		{"a later recovery code", WithRecoveryCode(later), ErrWrongRecoveryCode},
		{"mistyped recovery code", WithRecoveryCode(code[1:]), ErrMistypedCode},
		{"another key file", WithKeyFile(formatKeyFile(make([]byte, 32))), ErrWrongKeyFile},
		{"nothing", Unlocker{}, errNothing},
	}
	for _, row := range rows {
		key, err := OpenBackupEnvelope(sealed, row.with)
		if !errors.Is(err, row.want) || (err == nil) != bytes.Equal(key, backupKey) {
			t.Errorf("%s: %x, %v; want %v", row.name, key, err, row.want)
		}
	}
	h.Lock()
	_, err = h.WrapForBackup(backupKey)
	is(t, err, ErrLocked)
	must(t, h.Unlock([]byte(testPassphrase)))
	_, err = h.WrapForBackup(nil)
	if err == nil {
		t.Error("wrapped an empty key")
	}
}

func TestAlteredEnvelopes(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	h.clock.advance(time.Second) // the passphrase slot is the first
	_, _, err := h.AddKeyFileSlot("")
	must(t, err)
	other, _ := furnished(t)
	sealed, err := h.WrapForBackup(backupKey)
	must(t, err)
	foreign, err := other.WrapForBackup(backupKey)
	must(t, err)
	var theirs envelope
	must(t, json.Unmarshal(foreign, &theirs))
	rows := []struct {
		name  string
		alter func(e *envelope)
		want  error
	}{
		{"as it was", func(*envelope) {}, nil},
		{"newer", func(e *envelope) { e.Format = 2 }, ErrEnvelope},
		{"other mark", func(e *envelope) { e.Mark = "x" }, ErrEnvelope},
		{"no slots", func(e *envelope) { e.Slots = nil }, ErrEnvelope},
		{"a slot less", func(e *envelope) { e.Slots = e.Slots[:1] }, ErrEnvelope},
		{"slots in another order", func(e *envelope) { e.Slots[0], e.Slots[1] = e.Slots[1], e.Slots[0] }, ErrEnvelope},
		{"a slot twice", func(e *envelope) { e.Slots = append(e.Slots, e.Slots[0]) }, ErrEnvelope},
		{"label", func(e *envelope) { e.Slots[0].Label = "x" }, ErrWrongPassphrase},
		{"cheaper", func(e *envelope) { e.Slots[0].Cost.Passes++ }, ErrWrongPassphrase},
		{"memory out of bounds", func(e *envelope) { e.Slots[0].Cost.MemoryKiB = 1 << 30 }, ErrEnvelope},
		{"too costly in all", func(e *envelope) {
			dear := e.Slots[0]
			dear.Cost = Argon2Params{MemoryKiB: 1 << 20, Passes: 8, Threads: 1}
			e.Slots = append(e.Slots, dear, dear, dear)
		}, ErrEnvelope},
		{"more slots than a vault has", func(e *envelope) {
			for range maxSlots {
				e.Slots = append(e.Slots, e.Slots[1])
			}
		}, ErrEnvelope},
		{"root version", func(e *envelope) { e.RootVersion++ }, ErrEnvelope},
		{"root version everywhere", func(e *envelope) {
			e.RootVersion++
			for i := range e.Slots {
				e.Slots[i].RootVersion++
			}
		}, ErrDamaged},
		{"sealed key", func(e *envelope) { e.Sealed[30] ^= 1 }, ErrEnvelope},
		{"sealed key of another vault", func(e *envelope) { e.Sealed = theirs.Sealed }, ErrEnvelope},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var e envelope
			must(t, json.Unmarshal(sealed, &e))
			row.alter(&e)
			raw, err := json.Marshal(e)
			must(t, err)
			key, err := OpenBackupEnvelope(raw, WithPassphrase([]byte(testPassphrase)))
			if !errors.Is(err, row.want) || (err == nil) != bytes.Equal(key, backupKey) {
				t.Errorf("%x, %v; want %v", key, err, row.want)
			}
		})
	}
	for name, raw := range map[string][]byte{
		"empty":          nil,
		"cut":            sealed[:len(sealed)-1],
		"trailing":       append(bytes.Clone(sealed), '1'),
		"unknown member": append([]byte(`{"more":1,`), sealed[1:]...),
		"a name twice":   append([]byte(`{"sealed":"",`), sealed[1:]...),
		"too long":       append(bytes.Repeat([]byte(" "), maxEnvelope), sealed...),
	} {
		if _, err := OpenBackupEnvelope(raw, WithPassphrase([]byte(testPassphrase))); !errors.Is(err, ErrEnvelope) {
			t.Errorf("%s: %v, want ErrEnvelope", name, err)
		}
	}
}

func TestFullVaultFitsTheEnvelope(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	label := ""
	for range maxLabel {
		label += "\U0001F511"
	}
	for range maxSlots - 1 {
		_, _, err := h.AddKeyFileSlot(label)
		must(t, err)
	}
	sealed, err := h.WrapForBackup(make([]byte, maxEnvelopeKey))
	must(t, err)
	if _, err := OpenBackupEnvelope(sealed, WithPassphrase([]byte(testPassphrase))); err != nil {
		t.Errorf("an envelope of %d bytes: %v", len(sealed), err)
	}
}

func FuzzOpenBackupEnvelope(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := parseEnvelope(raw); err == nil {
			if len(e.Slots) == 0 || len(e.Slots) > maxSlots {
				t.Fatalf("let through %d slots", len(e.Slots))
			}
			for _, s := range e.Slots {
				if s.Cost.check() != nil && s.Kind == PassphraseSlot {
					t.Fatalf("let through a cost of %+v", s.Cost)
				}
			}
		}
	})
}
