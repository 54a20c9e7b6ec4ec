package ui

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
)

// showUnlock is GET /unlock?back=…
func (u *UI) showUnlock(c echo.Context) error {
	back := local(c.QueryParam("back"))
	if !u.cfg.Vault.Locked() {
		return c.Redirect(http.StatusSeeOther, back)
	}
	return render(c, http.StatusOK, unlockPage(unlockView{
		Frame: u.frame(c, "Unlock the vault", "", "/unlock"), Back: back,
	}))
}

// unlock is POST /unlock.
func (u *UI) unlock(c echo.Context) error {
	back := local(posted(c, "back"))
	if err := withPassphrase(c, u.openVault(c)); err != nil {
		status, words, refused := u.refusedPassphrase(c, audit.VaultUnlockRefused, err)
		if !refused {
			return err
		}
		return render(c, status, unlockPage(unlockView{
			Frame: u.frame(c, "Unlock the vault", "", "/unlock"), Back: back, Problem: words,
		}))
	}
	return u.done(c, saidUnlocked, back)
}

// openVault unlocks and records it. What cannot be recorded is undone.
func (u *UI) openVault(c echo.Context) func(passphrase []byte) error {
	return func(passphrase []byte) error {
		wasLocked := u.cfg.Vault.Locked()
		if err := u.cfg.Vault.UnlockFromConsole(passphrase); err != nil || !wasLocked {
			return err
		}
		if err := u.record(audit.Event{Kind: audit.VaultUnlocked, Address: c.RealIP()}); err != nil {
			u.cfg.Vault.Lock()
			return err
		}
		return nil
	}
}

// lock is POST /lock. It is done even if it cannot be recorded.
func (u *UI) lock(c echo.Context) error {
	u.cfg.Vault.Lock()
	if err := u.record(audit.Event{Kind: audit.VaultLocked, Address: c.RealIP()}); err != nil {
		return err
	}
	return u.done(c, "", posted(c, "back"))
}
