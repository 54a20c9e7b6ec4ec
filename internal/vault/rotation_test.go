package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

func TestRotate(t *testing.T) {
	t.Parallel()
	h, added := furnished(t)
	_, code, err := h.AddRecoveryCode("")
	must(t, err)
	_, keyFile, err := h.AddKeyFileSlot("")
	must(t, err)
	before, slots := h.records, len(h.slots)
	if h.RootVersion() != 1 {
		t.Fatalf("a new vault's root key has version %d", h.RootVersion())
	}
	must(t, h.Rotate(t.Context()))
	must(t, h.Rotate(t.Context()))
	if h.RootVersion() != 3 || len(h.slots) != slots {
		t.Errorf("after two rotations: version %d, %d slots", h.RootVersion(), len(h.slots))
	}
	if c, secret, err := h.Release("llm:openai"); err != nil || !same(c, added) || string(secret.Bytes()) != canary {
		t.Errorf("releasing after rotating: %+v, %v", c, err)
	}
	for id, was := range before.slots {
		if now := h.slots[id]; !bytes.Equal(now.Identity, was.Identity) || bytes.Equal(now.Root, was.Root) {
			t.Errorf("slot %s: identity changed or root key kept", was.Kind)
		}
	}
	h.add("llm:groq", "later", "", canary)
	for name, unlock := range map[string]func() error{
		"passphrase":    func() error { return h.Unlock([]byte(testPassphrase)) },
		"recovery code": func() error { return h.UnlockWithRecoveryCode(code) },
		"key file":      func() error { return h.UnlockWithKey(keyFile) },
	} {
		h.restart()
		is(t, h.Rotate(t.Context()), ErrLocked)
		if err := unlock(); err != nil {
			t.Errorf("unlocking by %s: %v", name, err)
		}
		for _, resource := range []string{"llm:openai", "llm:groq"} {
			if _, secret, err := h.Release(resource); err != nil || string(secret.Bytes()) != canary {
				t.Errorf("releasing %s after unlocking by %s: %v", resource, name, err)
			}
		}
	}
}

// The reason to rotate: a key file that was lost, with an old copy of the data
// directory, must not open what is stored afterwards.
func TestRotationShutsOutOldKeys(t *testing.T) {
	t.Parallel()
	h, added := furnished(t)
	lost, keyFile, err := h.AddKeyFileSlot("lost")
	must(t, err)
	old := h.records
	secret, err := parseKeyFile(keyFile)
	must(t, err)
	thief, slot, err := openAny([]slotRecord{old.slots[lost.ID]}, WithKeyFile(keyFile), secret, argon2id)
	must(t, err)

	must(t, h.RemoveSlot(lost.ID))
	must(t, h.Rotate(t.Context()))
	later := h.add("llm:groq", "later", "", canary)
	is(t, h.UnlockWithKey(keyFile), ErrWrongKeyFile)
	for _, id := range []string{added.ID, later.ID} {
		if _, err := h.credentials[id].openUnder(thief); err == nil {
			t.Error("the old root key opens a key of today")
		}
	}
	// Old records put back by somebody who has the host key do not open.
	record := old.credentials[added.ID]
	if _, err := record.openUnder(h.root); err == nil {
		t.Error("the new root key opens an old record")
	}
	// Nor can the old root key make a slot that the next rotation serves.
	forged := slot
	forged.RootVersion = h.RootVersion()
	pin, err := thief.pinOf(slot)
	must(t, err)
	must(t, (&root{version: h.RootVersion(), keys: thief.keys, seal: thief.seal}).wrapFor(&forged, pin))
	must(t, h.store.Update(func(tx *store.Tx) error { return slotRecords.Put(tx, forged.ID, forged) }))
	h.restart()
	must(t, h.Unlock([]byte(testPassphrase)))
	is(t, h.Rotate(t.Context()), ErrDamaged)
	is(t, h.UnlockWithKey(keyFile), nil) // to a root key that opens nothing
	_, _, err = h.Release("llm:groq")
	is(t, err, ErrDamaged)
}

func TestSlotsOfDifferentRootVersionsAreDamage(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	lost, _, err := h.AddKeyFileSlot("lost")
	must(t, err)
	old := h.slots[lost.ID]
	must(t, h.Rotate(t.Context()))
	must(t, h.store.Update(func(tx *store.Tx) error { return slotRecords.Put(tx, old.ID, old) }))
	_, err = New(Config{Store: h.store, Argon2: cheap})
	is(t, err, ErrDamaged)
}

// countdown is a context that ends at the nth look at it.
type countdown struct {
	context.Context
	left int
}

var errStopped = errors.New("stopped here")

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return errStopped
	}
	return nil
}

// Stopped at each step in turn, in memory and after a restart: the old state,
// whole; and running it again completes it.
func TestRotationStoppedAtEachStep(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	_, _, err := h.AddKeyFileSlot("")
	must(t, err)
	for i := range 3 {
		h.add("llm:groq", fmt.Sprint("key ", i), "", canary)
	}
	steps := 0
	for ; ; steps++ {
		before := h.records
		err := h.Rotate(&countdown{Context: t.Context(), left: steps})
		if err == nil {
			break
		}
		is(t, err, errStopped)
		if h.RootVersion() != 1 || !maps.EqualFunc(before.credentials, h.credentials, sameSealed) {
			t.Fatalf("stopped at step %d: something changed in memory", steps)
		}
		h.restart()
		must(t, h.Unlock([]byte(testPassphrase)))
		if h.RootVersion() != 1 || !maps.EqualFunc(before.credentials, h.credentials, sameSealed) {
			t.Fatalf("stopped at step %d: something changed on disk", steps)
		}
		allOpen(t, h, 4)
	}
	if steps < 4+4+2 {
		t.Errorf("stopped at %d steps only", steps)
	}
	h.restart()
	must(t, h.Unlock([]byte(testPassphrase)))
	if h.RootVersion() != 2 {
		t.Errorf("version %d", h.RootVersion())
	}
	allOpen(t, h, 4)
}

func sameSealed(a, b credentialRecord) bool { return bytes.Equal(a.Sealed, b.Sealed) }

func allOpen(t *testing.T, h *house, want int) {
	t.Helper()
	list, err := h.Credentials()
	must(t, err)
	if len(list) != want {
		t.Fatalf("%d keys, want %d", len(list), want)
	}
	for _, c := range list {
		if _, secret, err := h.ReleaseByID(c.ID); err != nil || string(secret.Bytes()) != canary {
			t.Fatalf("key %s: %v", c.Label, err)
		}
	}
}

func TestRotateWhileServing(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	var stop atomic.Bool
	var released atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				if _, secret, err := h.Release("llm:openai"); err != nil || string(secret.Bytes()) != canary {
					t.Errorf("releasing: %v", err)
					return
				}
				released.Add(1)
			}
		})
	}
	wg.Go(func() {
		for !stop.Load() {
			if err := h.Unlock([]byte(testPassphrase)); err != nil && !errors.As(err, new(*TooSoonError)) {
				t.Errorf("unlocking: %v", err)
				return
			}
		}
	})
	wg.Go(func() {
		for i := range 20 {
			if _, err := h.AddCredential(NewCredential{Resource: "llm:groq", Label: fmt.Sprint("n", i), Secret: NewSecret([]byte(canary))}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		must(t, h.Rotate(t.Context()))
	}
	for released.Load() < 100 && !t.Failed() {
	}
	stop.Store(true)
	wg.Wait()
	allOpen(t, h, 21)
	h.restart()
	must(t, h.Unlock([]byte(testPassphrase)))
	allOpen(t, h, 21)
	if h.RootVersion() != 21 {
		t.Errorf("version %d after 20 rotations", h.RootVersion())
	}
}

func TestLockWinsOverARotationUnderWay(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	h.update = func(fn func(*store.Tx) error) error {
		h.Lock()
		return h.store.Update(fn)
	}
	must(t, h.Rotate(t.Context()))
	if !h.Locked() {
		t.Error("the rotation unlocked the vault")
	}
	must(t, h.Unlock([]byte(testPassphrase)))
	allOpen(t, h, 1)
}

// An unlock that began before a rotation must not bring the old root key back.
func TestUnlockUnderWayDuringARotation(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	derive := h.derive
	h.derive = func(passphrase, salt []byte, cost Argon2Params) []byte {
		h.derive = derive
		must(t, h.Rotate(t.Context()))
		return derive(passphrase, salt, cost)
	}
	must(t, h.Unlock([]byte(testPassphrase)))
	allOpen(t, h, 1)
}
