package admin

import (
	"errors"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/vault"
)

func (a *Admin) status(c echo.Context) error {
	keys, err := a.cfg.Vault.Credentials()
	if err != nil && !errors.Is(err, vault.ErrNotInitialized) {
		return err
	}
	apps := 0
	for _, app := range a.cfg.Pairing.Apps() {
		if app.Status != pairing.AppRevoked {
			apps++
		}
	}
	return answer(c, Status{
		Version:         a.cfg.Version,
		Initialized:     a.cfg.Vault.Initialized(),
		Locked:          a.cfg.Vault.Locked(),
		Frozen:          a.cfg.Pairing.Frozen(),
		PublicURL:       a.cfg.PublicURL,
		TimeZone:        a.cfg.Zone.String(),
		Running:         a.cfg.Running(),
		Keys:            len(keys),
		Apps:            apps,
		PendingRequests: len(a.cfg.Pairing.Requests()),
		StartedAt:       a.at(a.started),
	})
}

func (a *Admin) init(c echo.Context) error {
	in, err := decode[InitInput](c)
	if err != nil {
		return err
	}
	passphrase := []byte(in.Passphrase)
	defer clear(passphrase)
	if err := a.cfg.Vault.Init(passphrase); err != nil {
		return err
	}
	if err := a.record(audit.Event{Kind: audit.VaultInitialized}); err != nil {
		return err
	}
	return done(c)
}

// unlock refuses when it cannot be recorded: an unlocked vault is the one
// state in which keys can leave.
func (a *Admin) unlock(c echo.Context) error {
	in, err := decode[UnlockInput](c)
	if err != nil {
		return err
	}
	wasLocked := a.cfg.Vault.Locked()
	passphrase := []byte(in.Passphrase)
	defer clear(passphrase)
	if err := a.cfg.Vault.Unlock(passphrase); err != nil {
		return errors.Join(err, a.recordRefusal(err))
	}
	if err := a.record(audit.Event{Kind: audit.VaultUnlocked, Detail: "with the passphrase"}); err != nil {
		if wasLocked {
			a.cfg.Vault.Lock()
		}
		return err
	}
	return done(c)
}

// recordRefusal notes a wrong passphrase; attempts that were turned away
// untried are not worth a line each.
func (a *Admin) recordRefusal(err error) error {
	if !errors.Is(err, vault.ErrWrongPassphrase) {
		return nil
	}
	return a.record(audit.Event{Kind: audit.VaultUnlockRefused, Detail: "wrong passphrase"})
}

// lock acts first and records after: taking rights away must never wait for
// the log.
func (a *Admin) lock(c echo.Context) error {
	a.cfg.Vault.Lock()
	if err := a.record(audit.Event{Kind: audit.VaultLocked}); err != nil {
		return errors.Join(pairing.ErrNotRecorded, err)
	}
	return done(c)
}

func (a *Admin) freeze(c echo.Context) error {
	if err := a.cfg.Pairing.Freeze(); err != nil {
		return err
	}
	return done(c)
}

func (a *Admin) thaw(c echo.Context) error {
	if err := a.cfg.Pairing.Thaw(); err != nil {
		return err
	}
	return done(c)
}
