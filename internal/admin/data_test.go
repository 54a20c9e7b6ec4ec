package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/doctor"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/vault"
)

// deskData is the data as a whole, on a real store; it can be told to fail in
// the middle of a backup and to have been put back.
type deskData struct {
	*store.Store
	vault    *vault.Vault
	broken   bool
	putBack  bool
	accepted int
}

func (d *deskData) Backup(w io.Writer) error {
	if d.broken {
		_, err := w.Write(make([]byte, 64<<10))
		return errors.Join(err, errors.New("disk gone"))
	}
	key := bytes.Repeat([]byte{7}, store.BackupKeyBytes)
	envelope, err := d.vault.WrapForBackup(key)
	if err != nil {
		return err
	}
	return d.Store.Backup(w, store.BackupKeys{Key: key, Envelope: envelope})
}

func (d *deskData) Restored() bool       { return d.putBack }
func (d *deskData) AcceptRestore() error { d.putBack = false; d.accepted++; return nil }

func (d *deskData) Check(context.Context) ([]doctor.Finding, error) {
	return []doctor.Finding{doctor.Good("database", "sound")}, nil
}

func TestBackup(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	var file bytes.Buffer
	check(t, d.Backup(t.Context(), &file))
	open := func(envelope []byte) ([]byte, error) {
		return vault.OpenBackupEnvelope(envelope, vault.WithPassphrase([]byte(passphrase)))
	}
	info, err := store.VerifyBackup(bytes.NewReader(file.Bytes()), open)
	if err != nil || info.Records == 0 {
		t.Fatalf("the backup: %+v, %v", info, err)
	}
	if bytes.Contains(file.Bytes(), []byte(canary)) {
		t.Error("the key is in the backup in clear")
	}
	if _, err := store.Restore(bytes.NewReader(file.Bytes()), filepath.Join(t.TempDir(), "data"), open); err != nil {
		t.Error(err)
	}

	before := d.kinds(t, 100)
	d.data.broken = true
	if err := d.Backup(t.Context(), io.Discard); err == nil {
		t.Error("half a backup passes for a whole one")
	}
	if got := d.kinds(t, 100); !slices.Equal(got, before) || !slices.Contains(got, "backup.made") {
		t.Errorf("recorded %v, then %v", before, got)
	}
	check(t, d.Lock(t.Context()))
	if err := d.Backup(t.Context(), io.Discard); !errors.Is(err, &admin.Error{Code: admin.CodeLocked}) {
		t.Errorf("while locked: %v", err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	key := d.setUp(t)
	check(t, d.Rotate(t.Context()))
	check(t, d.RotateHostKey(t.Context()))
	_, secret, err := d.vault.ReleaseByID(key.ID)
	if err != nil || string(secret.Bytes()) != canary {
		t.Errorf("after rotating: %v", err)
	}
	if got := d.kinds(t, 2); !slices.Equal(got, []audit.Kind{"vault.rotated", "host_key.rotated"}) {
		t.Errorf("recorded %v", got)
	}
	check(t, d.Lock(t.Context()))
	if err := d.Rotate(t.Context()); !errors.Is(err, &admin.Error{Code: admin.CodeLocked}) {
		t.Errorf("while locked: %v", err)
	}
}

func TestAcceptRestore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := d.AcceptRestore(t.Context()); !errors.Is(err, &admin.Error{Code: admin.CodeNotRestored}) {
		t.Errorf("nothing to accept: %v", err)
	}
	d.data.putBack = true
	if status, err := d.Status(t.Context()); err != nil || !status.Restored {
		t.Errorf("status %+v, %v", status, err)
	}
	examined, err := d.Examine(t.Context())
	check(t, err)
	if doctor.Worst(examined.Findings) != doctor.Problem {
		t.Errorf("the doctor sees no problem: %+v", examined)
	}
	check(t, d.AcceptRestore(t.Context()))
	if d.data.accepted != 1 {
		t.Error("not accepted")
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	request := d.ask(t, "Notes", asksOpenAI)
	_, err := d.Approve(t.Context(), request.ID, admin.ApproveInput{})
	check(t, err)
	if _, err := d.Export(t.Context(), "wrong horse battery"); !errors.Is(err, &admin.Error{Code: admin.CodeWrongPassphrase}) {
		t.Errorf("with a wrong passphrase: %v", err)
	}
	time.Sleep(1100 * time.Millisecond) // the delay after a wrong one
	all, err := d.Export(t.Context(), passphrase)
	if err != nil || len(all.Keys) != 1 || all.Keys[0].Secret != canary || all.Keys[0].Label != "work" {
		t.Fatalf("exported %d keys, %v", len(all.Keys), err)
	}
	if len(all.Apps) != 1 || len(all.Apps[0].Permissions) != 1 || all.Apps[0].Permissions[0].Resource != "llm:openai" {
		t.Errorf("exported apps %+v", all.Apps)
	}
	if got := d.kinds(t, 2); !slices.Equal(got, []audit.Kind{audit.VaultUnlockRefused, "vault.exported"}) {
		t.Errorf("recorded %v", got)
	}
	if strings.Contains(d.log.String(), canary) {
		t.Error("the key is in the log")
	}
}

func TestAuditExport(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	check(t, d.Lock(t.Context()))
	for _, row := range []struct {
		filter admin.AuditFilter
		lines  int // -1 is a refusal
	}{
		{admin.AuditFilter{Format: "jsonl"}, 3},
		{admin.AuditFilter{Format: "csv"}, 4},
		{admin.AuditFilter{Format: "csv", Kind: "vault"}, 3},
		{admin.AuditFilter{Format: "jsonl", Kind: "vault.locked"}, 1},
		{admin.AuditFilter{Format: "jsonl", Since: time.Now().Add(time.Hour)}, 0},
		{admin.AuditFilter{Format: "jsonl", Until: time.Now().Add(-time.Hour)}, 0},
		{admin.AuditFilter{Format: "jsonl", App: "nobody"}, 0},
		{admin.AuditFilter{Format: "xml"}, -1},
		{admin.AuditFilter{}, -1},
	} {
		var out strings.Builder
		err := d.ExportAudit(t.Context(), row.filter, &out)
		if row.lines < 0 {
			if !errors.Is(err, &admin.Error{Code: admin.CodeInvalidRequest}) {
				t.Errorf("%+v: %v", row.filter, err)
			}
			continue
		}
		if got := strings.Count(out.String(), "\n"); err != nil || got != row.lines {
			t.Errorf("%+v: %d lines, %v", row.filter, got, err)
		}
	}
}

func TestExamine(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	for _, row := range []struct {
		do    func() error
		check string
		worst doctor.Severity
	}{
		{func() error { return nil }, "slots", doctor.Warning}, // no recovery code yet
		{func() error { _, err := d.AddRecoveryCode(t.Context(), ""); return err }, "slots", doctor.OK},
		{func() error { return nil }, "keys", doctor.OK},
		{func() error { return d.Lock(t.Context()) }, "keys", doctor.Note},
	} {
		check(t, row.do())
		examined, err := d.Examine(t.Context())
		check(t, err)
		var found []doctor.Finding
		for _, f := range examined.Findings {
			if f.Check == row.check {
				found = append(found, f)
			}
		}
		if len(found) == 0 || doctor.Worst(found) != row.worst {
			t.Errorf("%s: %+v, want %s", row.check, found, row.worst)
		}
		if examined.NewestEvent.IsZero() || !examined.NewestBackup.IsZero() {
			t.Errorf("%+v", examined)
		}
	}
	check(t, d.Unlock(t.Context(), passphrase))
	check(t, d.Backup(t.Context(), io.Discard))
	if examined, err := d.Examine(t.Context()); err != nil || examined.NewestBackup.IsZero() {
		t.Errorf("after a backup: %+v, %v", examined, err)
	}
}
