package admin

import (
	"errors"
	"time"

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
		Restored:        a.cfg.Data.Restored(),
		PublicURL:       a.cfg.PublicURL,
		TimeZone:        zoneName(a.cfg.Zone, a.cfg.Clock()),
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
	open, secret, with := a.cfg.Vault.Unlock, []byte(in.Passphrase), "with the passphrase"
	if in.RecoveryCode != "" {
		open, secret, with = a.cfg.Vault.UnlockWithRecoveryCode, []byte(in.RecoveryCode), "with a recovery code"
	}
	defer clear(secret)
	if err := open(secret); err != nil {
		return errors.Join(err, a.recordRefusal(err))
	}
	if err := a.record(audit.Event{Kind: audit.VaultUnlocked, Detail: with}); err != nil {
		if wasLocked {
			a.cfg.Vault.Lock()
		}
		return err
	}
	return done(c)
}

// recordRefusal notes a wrong passphrase or recovery code; attempts that were
// turned away untried are not worth a line each.
func (a *Admin) recordRefusal(err error) error {
	for _, wrong := range []struct {
		sentinel error
		detail   string
	}{{vault.ErrWrongPassphrase, "wrong passphrase"}, {vault.ErrWrongRecoveryCode, "wrong recovery code"}} {
		if errors.Is(err, wrong.sentinel) {
			return a.record(audit.Event{Kind: audit.VaultUnlockRefused, Detail: wrong.detail})
		}
	}
	return nil
}

// lock acts first and records after: taking rights away must never wait for
// the log.
func (a *Admin) lock(c echo.Context) error {
	a.cfg.Vault.Lock()
	if !a.cfg.Vault.Initialized() {
		return vault.ErrNotInitialized
	}
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

// signOut ends every session of the console, and records after: see lock.
func (a *Admin) signOut(c echo.Context) error {
	err := a.cfg.SignOut()
	err = errors.Join(err, a.record(audit.Event{Kind: audit.OwnerSignedOut, Detail: "every browser"}))
	if err != nil {
		return errors.Join(pairing.ErrNotRecorded, err)
	}
	return done(c)
}

// zoneName is the zone's name, or for the machine's own, which has none in Go,
// what it is called at this time of the year.
func zoneName(zone *time.Location, now time.Time) string {
	if zone != time.Local {
		return zone.String()
	}
	name, _ := now.In(zone).Zone()
	return name
}
