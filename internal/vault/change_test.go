package vault

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

const otherPassphrase = "nine golden badgers"

func TestChangePassphrase(t *testing.T) {
	t.Parallel()
	h, added := furnished(t)
	before, sealed := h.slot(PassphraseSlot), h.credentials[added.ID].Sealed
	old := h.slots[before.ID]
	h.Lock()
	is(t, h.ChangePassphrase([]byte(testPassphrase), []byte("short")), ErrWeakPassphrase)
	is(t, h.ChangePassphrase([]byte("a wrong passphrase"), []byte(otherPassphrase)), ErrWrongPassphrase)
	var soon *TooSoonError
	if err := h.ChangePassphrase([]byte(testPassphrase), []byte(otherPassphrase)); !errors.As(err, &soon) {
		t.Fatalf("after a wrong one: %v, want a delay", err)
	}
	h.clock.advance(maxDelay)
	must(t, h.ChangePassphrase([]byte(testPassphrase), []byte(otherPassphrase)))
	if !h.Locked() {
		t.Error("changing the passphrase unlocked the vault")
	}
	if h.slot(PassphraseSlot) != before || len(h.slots) != 1 {
		t.Errorf("slots are now %+v", h.slots)
	}
	now := h.slots[before.ID]
	if bytes.Equal(now.Public, old.Public) || bytes.Equal(now.Salt, old.Salt) {
		t.Error("the slot kept its identity or salt: the old passphrase leads to it")
	}
	if !bytes.Equal(h.credentials[added.ID].Sealed, sealed) {
		t.Error("a provider key was sealed anew")
	}
	h.restart()
	is(t, h.Unlock([]byte(testPassphrase)), ErrWrongPassphrase)
	h.clock.advance(maxDelay)
	must(t, h.Unlock([]byte(otherPassphrase)))
	if _, secret, err := h.Release("llm:openai"); err != nil || string(secret.Bytes()) != canary {
		t.Errorf("releasing after the change: %v", err)
	}
}

func TestSeveralPassphrases(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	_, err := h.AddPassphraseSlot("partner", []byte("short"))
	is(t, err, ErrWeakPassphrase)
	_, err = h.AddPassphraseSlot("a\nb", []byte(otherPassphrase))
	is(t, err, ErrInvalidCredential)
	partner, err := h.AddPassphraseSlot("partner", []byte(otherPassphrase))
	must(t, err)
	h.restart()
	_, err = h.AddPassphraseSlot("third", []byte("three bronze otters"))
	is(t, err, ErrLocked)
	must(t, h.Unlock([]byte(otherPassphrase)))
	must(t, h.ChangePassphrase([]byte(otherPassphrase), []byte("three bronze otters")))
	must(t, h.VerifyFromConsole([]byte(testPassphrase)))
	must(t, h.VerifyFromConsole([]byte("three bronze otters")))
	must(t, h.RemoveSlot(partner.ID))
	is(t, h.VerifyFromConsole([]byte("three bronze otters")), ErrWrongPassphrase)
}

func TestCostIsRaisedAtUnlock(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name        string
		slot, least Argon2Params
		want        Argon2Params
	}{
		{"the same", Argon2Params{64, 2, 1}, Argon2Params{64, 2, 1}, Argon2Params{64, 2, 1}},
		{"more memory", Argon2Params{64, 2, 1}, Argon2Params{128, 2, 1}, Argon2Params{128, 2, 1}},
		{"more passes", Argon2Params{64, 2, 1}, Argon2Params{64, 3, 1}, Argon2Params{64, 3, 1}},
		{"less memory, more passes", Argon2Params{64, 2, 1}, Argon2Params{32, 3, 2}, Argon2Params{64, 3, 2}},
		{"never lowered", Argon2Params{64, 2, 1}, Argon2Params{32, 1, 1}, Argon2Params{64, 2, 1}},
		{"other threads only", Argon2Params{64, 2, 1}, Argon2Params{64, 2, 4}, Argon2Params{64, 2, 1}},
		{"not out of bounds", Argon2Params{1 << 20, 8, 1}, Argon2Params{64, 16, 1}, Argon2Params{1 << 20, 8, 1}},
	}
	for _, row := range rows {
		if got, grown := row.slot.raisedTo(row.least); got != row.want || grown != (row.slot != row.want) {
			t.Errorf("%s: %+v, %v; want %+v", row.name, got, grown, row.want)
		}
	}

	h, _ := furnished(t)
	id := h.slot(PassphraseSlot).ID
	dearer := Argon2Params{MemoryKiB: 64, Passes: 2, Threads: 1}
	h.cost = dearer
	must(t, h.VerifyFromConsole([]byte(testPassphrase)))
	if h.slots[id].Cost != cheap {
		t.Error("raised by a mere check")
	}
	is(t, h.Unlock([]byte("a wrong passphrase")), ErrWrongPassphrase)
	h.clock.advance(maxDelay)
	if h.slots[id].Cost != cheap {
		t.Error("raised by a wrong passphrase")
	}
	h.update = func(func(*store.Tx) error) error { return syscall.ENOSPC }
	must(t, h.Unlock([]byte(testPassphrase)))
	if h.slots[id].Cost != cheap || h.Locked() {
		t.Error("a full disk raised the slot, or kept the vault locked")
	}
	h.update = h.store.Update
	must(t, h.Unlock([]byte(testPassphrase)))
	if h.slots[id].Cost != dearer {
		t.Errorf("cost after unlocking: %+v", h.slots[id].Cost)
	}
	derived := h.derived.Load()
	h.restart() // with the cheaper default again
	must(t, h.Unlock([]byte(testPassphrase)))
	if h.slots[id].Cost != dearer || h.derived.Load() != derived+1 {
		t.Error("raised twice, or lowered")
	}
}

// A change that fails must leave what was there, in memory and on disk, or be
// there in both.
func TestChangesThatFailToBeStored(t *testing.T) {
	t.Parallel()
	failures := map[string]func(h *house) func(func(*store.Tx) error) error{
		"before writing": func(*house) func(func(*store.Tx) error) error {
			return func(func(*store.Tx) error) error { return syscall.ENOSPC }
		},
		"before committing": func(h *house) func(func(*store.Tx) error) error {
			return func(fn func(*store.Tx) error) error {
				return h.store.Update(func(tx *store.Tx) error { return errors.Join(fn(tx), syscall.ENOSPC) })
			}
		},
		"after committing": func(h *house) func(func(*store.Tx) error) error {
			return func(fn func(*store.Tx) error) error { return errors.Join(h.store.Update(fn), syscall.EIO) }
		},
	}
	changes := map[string]func(h *house) error{
		"add key file":      func(h *house) error { _, _, err := h.AddKeyFileSlot(""); return err },
		"add recovery code": func(h *house) error { _, _, err := h.AddRecoveryCode(""); return err },
		"add passphrase":    func(h *house) error { _, err := h.AddPassphraseSlot("", []byte(otherPassphrase)); return err },
		"change passphrase": func(h *house) error {
			return h.ChangePassphrase([]byte(testPassphrase), []byte(otherPassphrase))
		},
		"remove slot": func(h *house) error { return h.RemoveSlot(h.slot(KeyFileSlot).ID) },
		"add key":     func(h *house) error { return addAnother(h) },
		"rotate":      func(h *house) error { return h.Rotate(h.t.Context()) },
		"remove key":  func(h *house) error { return h.RemoveCredential("work") },
	}
	for when, failing := range failures {
		for what, change := range changes {
			t.Run(what+" failing "+when, func(t *testing.T) {
				t.Parallel()
				h, _ := furnished(t)
				h.add("llm:groq", "kept", "", canary)
				_, _, err := h.AddKeyFileSlot("")
				must(t, err)
				h.update = failing(h)
				if err := change(h); err == nil {
					t.Fatal("no error")
				}
				slots, keys := len(h.slots), len(h.credentials)
				if _, secret, err := h.Release("llm:groq"); err != nil || string(secret.Bytes()) != canary {
					t.Errorf("releasing afterwards: %v", err)
				}
				h.restart()
				if len(h.slots) != slots || len(h.credentials) != keys {
					t.Errorf("a restart found %d slots and %d keys; in memory were %d and %d", len(h.slots), len(h.credentials), slots, keys)
				}
				if err := h.Unlock([]byte(testPassphrase)); err != nil {
					h.clock.advance(maxDelay)
					must(t, h.Unlock([]byte(otherPassphrase)))
				}
				if _, secret, err := h.Release("llm:groq"); err != nil || string(secret.Bytes()) != canary {
					t.Errorf("releasing after a restart: %v", err)
				}
			})
		}
	}
}

// A recovery code that was never shown must not be the way in that lets the
// last passphrase go.
func TestSlotOfUnknownSecretIsNotKept(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	first := true
	h.update = func(fn func(*store.Tx) error) error {
		err := h.store.Update(fn)
		if first {
			first, err = false, errors.Join(err, syscall.EIO)
		}
		return err
	}
	_, code, err := h.AddRecoveryCode("")
	is(t, err, syscall.EIO)
	if code != nil || len(h.slots) != 1 {
		t.Errorf("%d slots after an error", len(h.slots))
	}
	is(t, h.RemoveSlot(h.slot(PassphraseSlot).ID), ErrLastSlot)
	h.restart()
	if len(h.slots) != 1 {
		t.Errorf("%d slots after a restart", len(h.slots))
	}
}

func addAnother(h *house) error {
	_, err := h.AddCredential(NewCredential{Resource: "llm:groq", Label: "another", Secret: NewSecret([]byte("gsk"))})
	return err
}
