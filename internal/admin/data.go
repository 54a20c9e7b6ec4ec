package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/doctor"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

// Data is what the commands need of the data as a whole.
type Data interface {
	// Backup writes everything, encrypted. Errors: vault.ErrLocked.
	Backup(w io.Writer) error
	// RotateHostKey seals every record anew, while serving.
	RotateHostKey(ctx context.Context) error
	// Restored says whether an old copy was put back that the owner has not
	// accepted.
	Restored() bool
	// AcceptRestore accepts it.
	AcceptRestore() error
	// Check reads the whole database.
	Check(ctx context.Context) ([]doctor.Finding, error)
}

// backup answers the stream of a backup. When something goes wrong in the
// middle, that it was made cannot be recorded included, the connection is
// broken off, so that the client never takes half a backup for a whole one.
func (a *Admin) backup(c echo.Context) error {
	if a.cfg.Vault.Locked() {
		return vault.ErrLocked
	}
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMEOctetStream)
	err := a.cfg.Data.Backup(c.Response())
	if err == nil {
		err = a.record(audit.Event{Kind: audit.BackupMade})
	}
	if err != nil && c.Response().Committed {
		a.cfg.Log.Error("backup broke off", "error", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// Backup writes a backup to w. What was written is worth nothing when it
// returns an error.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	return c.stream(ctx, http.MethodPost, "/backup", nil, w)
}

// stream copies an answer that is no JSON.
func (c *Client) stream(ctx context.Context, method, path string, in any, w io.Writer) error {
	res, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("copying the gateway's answer: %w; its log says why if it broke off", err)
	}
	return nil
}

func (a *Admin) rotateVault(c echo.Context) error {
	if err := a.cfg.Vault.Rotate(c.Request().Context()); err != nil {
		return err
	}
	return a.didFor(c, audit.VaultRotated)
}

func (a *Admin) rotateHostKey(c echo.Context) error {
	if err := a.cfg.Data.RotateHostKey(c.Request().Context()); err != nil {
		return err
	}
	return a.didFor(c, audit.HostKeyRotated)
}

func (a *Admin) acceptRestore(c echo.Context) error {
	if !a.cfg.Data.Restored() {
		return refuse(http.StatusConflict, CodeNotRestored, "there is nothing to accept: the database is the newest; see: gateway status")
	}
	if err := a.cfg.Data.AcceptRestore(); err != nil {
		return err
	}
	return a.didFor(c, audit.RestoreAccepted)
}

// didFor records what is done and answers.
func (a *Admin) didFor(c echo.Context, kind audit.Kind) error {
	if err := a.record(audit.Event{Kind: kind}); err != nil {
		return errors.Join(pairing.ErrNotRecorded, err)
	}
	return done(c)
}

// Rotate makes a new root key and seals every provider key anew.
func (c *Client) Rotate(ctx context.Context) error { return c.do(ctx, "/vault/rotate") }

// RotateHostKey makes a new host key and seals every record anew.
func (c *Client) RotateHostKey(ctx context.Context) error { return c.do(ctx, "/host-key/rotate") }

// AcceptRestore accepts an old database that was put back.
func (c *Client) AcceptRestore(ctx context.Context) error { return c.do(ctx, "/accept-restore") }

// Export is all that an owner takes along who leaves, the provider keys in
// clear.
type Export struct {
	Keys []ExportedKey `json:"keys"`
	Apps []App         `json:"apps"` // with their policy documents; revoked ones are left out
}

// ExportedKey is a provider key in clear.
type ExportedKey struct {
	Key
	Secret string `json:"secret"`
}

// export gives out everything in clear. That it will be given out is recorded
// before it is.
func (a *Admin) export(c echo.Context) error {
	in, err := decode[UnlockInput](c)
	if err != nil {
		return err
	}
	passphrase := []byte(in.Passphrase)
	defer clear(passphrase)
	keys, err := a.cfg.Vault.Export(passphrase)
	if err != nil {
		return errors.Join(err, a.recordRefusal(err))
	}
	defer func() {
		for _, key := range keys {
			key.Secret.Zero()
		}
	}()
	if err := a.record(audit.Event{Kind: audit.VaultExported, Detail: fmt.Sprintf("%d keys in clear", len(keys))}); err != nil {
		return err
	}
	out := Export{Keys: []ExportedKey{}, Apps: []App{}}
	for _, key := range keys {
		out.Keys = append(out.Keys, ExportedKey{Key: a.keyOf(key.Credential), Secret: string(key.Secret.Bytes())})
	}
	for _, app := range a.cfg.Pairing.Apps() {
		if app.Status == pairing.AppRevoked {
			continue
		}
		shown := a.appOf(app)
		if shown.Permissions == nil {
			shown.Permissions = []policy.Document{}
		}
		out.Apps = append(out.Apps, shown)
	}
	data, err := json.Marshal(out)
	if err != nil {
		return errors.New("encoding the export failed") // the cause could quote a key
	}
	defer clear(data)
	return c.JSONBlob(http.StatusOK, data)
}

// Export returns every provider key in clear, and all apps.
func (c *Client) Export(ctx context.Context, passphrase string) (out Export, err error) {
	return out, c.call(ctx, http.MethodPost, "/export", UnlockInput{Passphrase: passphrase}, &out)
}
