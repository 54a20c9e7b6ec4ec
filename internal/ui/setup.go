package ui

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/owner"
	"github.com/keywicket/keywicket/internal/vault"
)

// showSetup is GET /setup?token=…
func (u *UI) showSetup(c echo.Context) error {
	token := c.QueryParam("token")
	if token == "" {
		return u.setupPage(c, http.StatusOK, "", "")
	}
	if !u.cfg.Owner.CheckSetupToken(token) {
		return u.setupPage(c, http.StatusForbidden, "", staleLink)
	}
	return u.setupPage(c, http.StatusOK, token, "")
}

const staleLink = "This set-up link is not valid any more. Restart the gateway to get a new one."

// setup is POST /setup.
func (u *UI) setup(c echo.Context) error {
	token, passphrase := posted(c, "token"), posted(c, "passphrase")
	if !u.cfg.Owner.CheckSetupToken(token) {
		return u.setupPage(c, http.StatusForbidden, "", staleLink)
	}
	if passphrase != posted(c, "again") {
		return u.setupPage(c, http.StatusUnprocessableEntity, token, "The two passphrases are not the same. Type them again.")
	}
	// Init lets one of several callers through, so the link is spent after
	// it: a passphrase that was too short does not cost the link.
	err := u.cfg.Vault.Init([]byte(passphrase))
	if weak, ok := errors.AsType[*vault.PassphraseError](err); ok {
		return u.setupPage(c, http.StatusUnprocessableEntity, token, "Choose another passphrase: "+weak.Problem+".")
	}
	if errors.Is(err, vault.ErrInitialized) {
		return owner.ErrSetUp
	}
	if err != nil {
		return err
	}
	if err := u.cfg.Owner.SpendSetupToken(token); err != nil && !errors.Is(err, owner.ErrSetUp) {
		return err
	}
	if err := u.record(audit.Event{Kind: audit.VaultInitialized, Address: c.RealIP()}); err != nil {
		return err
	}
	if err := u.startSession(c); err != nil {
		return err
	}
	return u.showRecoveryCode(c)
}

func (u *UI) setupPage(c echo.Context, status int, token, problem string) error {
	return render(c, status, setupPage(setupView{Frame: frame{Title: "Set up"}, Token: token, Problem: problem}))
}
