package admin

import (
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/vault"
)

func (a *Admin) listSlots(c echo.Context) error {
	slots, err := a.cfg.Vault.Slots()
	if err != nil {
		return err
	}
	out := make([]Slot, 0, len(slots))
	for _, slot := range slots {
		out = append(out, slotOf(slot))
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
	return answer(c, KeyFile{Slot: slotOf(slot), Key: key})
}

func (a *Admin) removeSlot(c echo.Context) error {
	if err := a.cfg.Vault.RemoveSlot(c.Param("id")); err != nil {
		return err
	}
	return done(c)
}

func slotOf(s vault.Slot) Slot {
	return Slot{ID: s.ID, Kind: string(s.Kind), Label: s.Label, CreatedAt: s.CreatedAt}
}
