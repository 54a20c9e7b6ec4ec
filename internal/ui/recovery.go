package ui

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
)

// showRecoveryCode ends the set-up: it makes a recovery code and shows it,
// once; the code is in this answer and nowhere else. What cannot be recorded is undone.
func (u *UI) showRecoveryCode(c echo.Context) error {
	slot, code, err := u.cfg.Vault.AddRecoveryCode("")
	if err != nil {
		return err
	}
	defer clear(code)
	err = u.record(audit.Event{Kind: audit.VaultSlotAdded, Detail: slot.ID + " (" + slot.Label + ")", Address: c.RealIP()})
	if err != nil {
		return errors.Join(err, u.cfg.Vault.RemoveSlot(slot.ID))
	}
	page := recoveryPage(recoveryView{Frame: u.frame(c, "Your recovery code", "", "/"), Code: string(code)})
	u.say(c, saidSetUp) // on the page after this one
	return render(c, http.StatusOK, page)
}
