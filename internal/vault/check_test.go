package vault

import (
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	h, broken := furnished(t)
	whole := h.add("llm:groq", "whole", "", canary)
	slot, _, err := h.AddKeyFileSlot("")
	must(t, err)
	if opened, err := h.Check(t.Context()); opened != 2 || err != nil {
		t.Fatalf("opened %d, %v", opened, err)
	}
	must(t, h.store.Update(func(tx *store.Tx) error {
		key, s := h.credentials[broken.ID], h.slots[slot.ID]
		key.Sealed = append([]byte{}, h.credentials[whole.ID].Sealed...)
		s.Pin = append([]byte{}, h.slots[h.slot(PassphraseSlot).ID].Pin...)
		if err := credentialRecords.Put(tx, broken.ID, key); err != nil {
			return err
		}
		return slotRecords.Put(tx, slot.ID, s)
	}))
	h.restart()
	_, err = h.Check(t.Context())
	is(t, err, ErrLocked)
	must(t, h.Unlock([]byte(testPassphrase)))
	opened, err := h.Check(t.Context())
	is(t, err, ErrDamaged)
	if opened != 1 || !strings.Contains(err.Error(), broken.ID) || !strings.Contains(err.Error(), slot.ID) || strings.Contains(err.Error(), whole.ID) {
		t.Errorf("opened %d, %v", opened, err)
	}
}
