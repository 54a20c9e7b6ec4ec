package admin

import (
	"errors"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/vault"
)

// A way to unlock that nobody remembers making must be found in the record.
const (
	slotAdded   audit.Kind = "vault.slot_added"
	slotRemoved audit.Kind = "vault.slot_removed"
)

func (a *Admin) listSlots(c echo.Context) error {
	slots, err := a.cfg.Vault.Slots()
	if err != nil {
		return err
	}
	out := make([]Slot, 0, len(slots))
	for _, slot := range slots {
		out = append(out, a.slotOf(slot))
	}
	return answer(c, out)
}

func (a *Admin) addSlot(c echo.Context) error {
	in, err := decode[SlotInput](c)
	if err != nil {
		return err
	}
	if in.Label == "" {
		in.Label = "key file"
	}
	slot, key, err := a.cfg.Vault.AddKeyFileSlot(in.Label)
	if err != nil {
		return err
	}
	defer clear(key)
	if err := a.record(audit.Event{Kind: slotAdded, Detail: slot.ID + " (" + slot.Label + ")"}); err != nil {
		return errors.Join(err, a.cfg.Vault.RemoveSlot(slot.ID))
	}
	return answer(c, KeyFile{Slot: a.slotOf(slot), Key: key})
}

func (a *Admin) removeSlot(c echo.Context) error {
	if err := a.cfg.Vault.RemoveSlot(c.Param("id")); err != nil {
		return err
	}
	if err := a.record(audit.Event{Kind: slotRemoved, Detail: c.Param("id")}); err != nil {
		return errors.Join(pairing.ErrNotRecorded, err)
	}
	return done(c)
}

func (a *Admin) slotOf(s vault.Slot) Slot {
	return Slot{ID: s.ID, Kind: string(s.Kind), Label: s.Label, CreatedAt: a.at(s.CreatedAt)}
}
