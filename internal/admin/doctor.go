package admin

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/doctor"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/vault"
)

const (
	maxListed = 10 // findings of one kind
)

// examine looks at what only the gateway that holds the data can see.
func (a *Admin) examine(c echo.Context) error {
	var out Examination
	checks := []func() ([]doctor.Finding, error){
		func() ([]doctor.Finding, error) { return a.cfg.Data.Check(c.Request().Context()) },
		a.checkAudit, a.checkRestore, a.checkSlots, a.checkKeys, a.checkGrants, checkDumps,
	}
	for _, check := range checks {
		found, err := check()
		if err != nil {
			return err
		}
		out.Findings = append(out.Findings, found...)
	}
	newest, err := a.cfg.Audit.Tail(maxLines)
	if err != nil {
		return err
	}
	for _, event := range newest {
		if event.Time.After(out.NewestEvent) {
			out.NewestEvent = event.Time
		}
	}
	if out.NewestBackup, err = a.newestBackup(); err != nil {
		return err
	}
	return answer(c, out)
}

// newestBackup is when the last backup was made; the zero time for never.
func (a *Admin) newestBackup() (newest time.Time, err error) {
	var lines bytes.Buffer
	if err := a.cfg.Audit.Export(&lines, audit.Filter{Kind: string(audit.BackupMade)}, audit.JSONL); err != nil {
		return time.Time{}, err
	}
	for line := range bytes.Lines(lines.Bytes()) {
		var event audit.Event
		if json.Unmarshal(line, &event) == nil && event.Kind == audit.BackupMade && event.Time.After(newest) {
			newest = event.Time
		}
	}
	return newest, nil
}

func (a *Admin) checkAudit() ([]doctor.Finding, error) {
	const check = "audit"
	report, err := a.cfg.Audit.Verify()
	if err != nil {
		return []doctor.Finding{{
			Check: check, Severity: doctor.Problem, Message: err.Error(),
			Remedy: "compare it with a copy from a backup; the lines before and after the break are still bound to each other",
		}}, nil
	}
	return []doctor.Finding{doctor.Good(check, fmt.Sprintf("the chain of %s is whole", count(report.Lines, "line")))}, nil
}

// checkRestore tells that apps are refused until the owner has looked.
func (a *Admin) checkRestore() ([]doctor.Finding, error) {
	if !a.cfg.Data.Restored() {
		return nil, nil
	}
	return []doctor.Finding{{
		Check: "restore", Severity: doctor.Problem, Message: "an older database was put back, or restored; no app is served until you accept it",
		Remedy: "look at apps and keys (gateway app list, gateway key list), then: gateway accept-restore",
	}}, nil
}

// checkDumps tells when a crash could write keys to disk.
func checkDumps() ([]doctor.Finding, error) {
	if vault.CoreDumpsOff() {
		return []doctor.Finding{doctor.Good("memory", "core dumps are off")}, nil
	}
	return []doctor.Finding{{
		Check: "memory", Severity: doctor.Note, Message: "this system does not let the gateway switch its core dumps off",
		Remedy: "switch them off where you start it, for instance with: ulimit -c 0",
	}}, nil
}

// checkSlots warns when one lost thing locks the owner out.
func (a *Admin) checkSlots() ([]doctor.Finding, error) {
	const check = "slots"
	if !a.cfg.Vault.Initialized() {
		return []doctor.Finding{{Check: check, Severity: doctor.Note, Message: "no passphrase has been set", Remedy: "set one with: gateway init"}}, nil
	}
	slots, err := a.cfg.Vault.Slots()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(slots, func(s vault.Slot) bool { return s.Kind == vault.RecoverySlot }) {
		return []doctor.Finding{doctor.Good(check, fmt.Sprintf("%d ways to unlock, a recovery code among them", len(slots)))}, nil
	}
	return []doctor.Finding{{
		Check: check, Severity: doctor.Warning, Message: "there is no recovery code: if the passphrase is forgotten, the keys are lost",
		Remedy: "make one and keep it on paper: gateway slot add-recovery",
	}}, nil
}

// restingKeys tells which keys are not used, because of what their provider says.
func (a *Admin) restingKeys(check string, stored []vault.Credential) (found []doctor.Finding) {
	for _, c := range stored {
		health := a.keyOf(c).Health
		if health.State == "ok" || c.Draining {
			continue
		}
		found = append(found, doctor.Finding{
			Check: check, Severity: doctor.Warning, Message: fmt.Sprintf("key %s (%s of %s) is not used at present: %s", c.ID, c.Label, c.Resource, health.Why),
			Remedy: "see what the provider says of it, which also puts it back in use when it works: gateway key test " + c.ID,
		})
	}
	return found
}

// checkKeys opens every stored key once.
func (a *Admin) checkKeys() ([]doctor.Finding, error) {
	const check = "keys"
	if !a.cfg.Vault.Initialized() {
		return nil, nil
	}
	stored, err := a.cfg.Vault.Credentials()
	if err != nil {
		return nil, err
	}
	if a.cfg.Vault.Locked() {
		return []doctor.Finding{{Check: check, Severity: doctor.Note, Message: "the vault is locked, so whether the stored keys open was not tried", Remedy: "gateway unlock, then gateway doctor"}}, nil
	}
	var found []doctor.Finding
	for _, credential := range stored {
		_, secret, err := a.cfg.Vault.ReleaseByID(credential.ID)
		secret.Zero()
		if err != nil {
			found = append(found, doctor.Finding{
				Check: check, Severity: doctor.Problem, Message: fmt.Sprintf("key %s (%s) does not open: %v", credential.ID, credential.Label, err),
				Remedy: "remove it and add it again: gateway key remove " + credential.ID,
			})
		}
	}
	found = append(found, a.restingKeys(check, stored)...)
	switch {
	case len(found) > 0:
	case len(stored) == 0:
		found = append(found, doctor.Good(check, "no key is stored yet"))
	case len(stored) == 1:
		found = append(found, doctor.Good(check, "the one stored key opens"))
	default:
		found = append(found, doctor.Good(check, fmt.Sprintf("all %d keys open", len(stored))))
	}
	return found, nil
}

// count is a number of things in words: 1 line, 2 lines.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// checkGrants warns of permissions that nothing bounds.
func (a *Admin) checkGrants() ([]doctor.Finding, error) {
	const check = "permissions"
	var found []doctor.Finding
	for _, app := range a.cfg.Pairing.Apps() {
		if app.Status == pairing.AppRevoked {
			continue
		}
		for _, permission := range a.cfg.Pairing.Permissions(app.ID) {
			if len(permission.Document.Limits) > 0 || len(found) == maxListed {
				continue
			}
			message := fmt.Sprintf("%s (%s) may use %s without any limit", app.Name, app.ID, permission.Document.Resource)
			if permission.Document.ExpiresAt.IsZero() {
				message += ", forever"
			}
			found = append(found, doctor.Finding{
				Check: check, Severity: doctor.Warning, Message: message,
				Remedy: "pair it again with limits, such as: gateway pair --resource " + permission.Document.Resource + " --requests-per-day 1000",
			})
		}
	}
	if len(found) == 0 {
		found = append(found, doctor.Good(check, "every permission has a limit"))
	}
	return found, nil
}

// Examine asks the gateway what it finds about its own data.
func (c *Client) Examine(ctx context.Context) (out Examination, err error) {
	return out, c.call(ctx, http.MethodGet, "/doctor", nil, &out)
}

// Examination is what the gateway itself can tell to the doctor.
type Examination struct {
	Findings     []doctor.Finding `json:"findings"`
	NewestEvent  time.Time        `json:"newest_event,omitzero"`  // of the audit log
	NewestBackup time.Time        `json:"newest_backup,omitzero"` // that this gateway made
}
