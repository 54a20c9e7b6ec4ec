package admin

import (
	"errors"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/vault"
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
	slot, key, err := a.cfg.Vault.AddKeyFileSlot(in.Label)
	if err != nil {
		return err
	}
	defer clear(key)
	if err := a.recordSlot(slot); err != nil {
		return err
	}
	return answer(c, KeyFile{Slot: a.slotOf(slot), Key: key})
}

func (a *Admin) addRecovery(c echo.Context) error {
	in, err := decode[SlotInput](c)
	if err != nil {
		return err
	}
	slot, code, err := a.cfg.Vault.AddRecoveryCode(in.Label)
	if err != nil {
		return err
	}
	defer clear(code)
	if err := a.recordSlot(slot); err != nil {
		return err
	}
	return answer(c, RecoveryCode{Slot: a.slotOf(slot), Code: string(code)})
}

func (a *Admin) addPassphrase(c echo.Context) error {
	in, err := decode[PassphraseInput](c)
	if err != nil {
		return err
	}
	passphrase := []byte(in.Passphrase)
	defer clear(passphrase)
	slot, err := a.cfg.Vault.AddPassphraseSlot(in.Label, passphrase)
	if err != nil {
		return err
	}
	if err := a.recordSlot(slot); err != nil {
		return err
	}
	return answer(c, a.slotOf(slot))
}

func (a *Admin) changePassphrase(c echo.Context) error {
	in, err := decode[ChangeInput](c)
	if err != nil {
		return err
	}
	before, after := []byte(in.Old), []byte(in.New)
	defer clear(before)
	defer clear(after)
	if err := a.cfg.Vault.ChangePassphrase(before, after); err != nil {
		return errors.Join(err, a.recordRefusal(err))
	}
	if err := a.record(audit.Event{Kind: audit.PassphraseChanged}); err != nil {
		return errors.Join(pairing.ErrNotRecorded, err)
	}
	return done(c)
}

// recordSlot takes a new slot out again when that it was added cannot be
// recorded: a way to unlock that nobody remembers making must be found in the
// record.
func (a *Admin) recordSlot(slot vault.Slot) error {
	err := a.record(audit.Event{Kind: audit.VaultSlotAdded, Detail: slot.ID + " (" + string(slot.Kind) + ", " + slot.Label + ")"})
	if err != nil {
		return errors.Join(err, a.cfg.Vault.RemoveSlot(slot.ID))
	}
	return nil
}

func (a *Admin) removeSlot(c echo.Context) error {
	if err := a.cfg.Vault.RemoveSlot(c.Param("id")); err != nil {
		return err
	}
	if err := a.record(audit.Event{Kind: audit.VaultSlotRemoved, Detail: c.Param("id")}); err != nil {
		return errors.Join(pairing.ErrNotRecorded, err)
	}
	return done(c)
}

func (a *Admin) slotOf(s vault.Slot) Slot {
	return Slot{ID: s.ID, Kind: string(s.Kind), Label: s.Label, CreatedAt: a.at(s.CreatedAt)}
}
