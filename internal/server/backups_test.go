package server

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/vault"
)

// TestDailyBackups turns the clock by hand: one backup a day, the old ones
// cleared away, nothing else touched.
func TestDailyBackups(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "backups")
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var failure error
	made, recorded := 0, 0
	b := &backups{
		dir: dir, keep: 3, clock: func() time.Time { return now }, log: slog.New(slog.DiscardHandler),
		make: func(w io.Writer) error {
			_, _ = w.Write([]byte("half"))
			if failure == nil {
				made++
			}
			return failure
		},
		record: func(audit.Event) error { recorded++; return nil },
	}
	turn := func(want int) {
		t.Helper()
		if err := b.turn(); err != nil && failure == nil {
			t.Fatal(err)
		}
		if made != want || recorded != made {
			t.Fatalf("at %s: %d made, %d recorded, want %d", now, made, recorded, want)
		}
	}

	failure = vault.ErrLocked
	turn(0)
	failure = nil
	turn(1) // as soon as it is unlocked
	now = now.Add(23 * time.Hour)
	turn(1)
	now = now.Add(time.Hour)
	turn(2)
	mine := filepath.Join(dir, "keywicket-mine.backup")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want := 3; want <= 6; want++ {
		now = now.Add(24 * time.Hour)
		turn(want)
	}
	want := []string{"keywicket-20261124T120000Z.backup", "keywicket-20261125T120000Z.backup", "keywicket-20261126T120000Z.backup", "keywicket-mine.backup"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("kept %v", got)
	}

	now = now.Add(24 * time.Hour)
	failure = errors.New("disk full")
	turn(6)
	failure = nil
	now = now.Add(time.Minute)
	turn(6) // not at once again
	now = now.Add(time.Hour)
	turn(7)
	if got := names(t, dir); len(got) != 4 {
		t.Errorf("left behind: %v", got)
	}

	// A clock that had run ahead does not end the backups.
	if err := os.WriteFile(filepath.Join(dir, "keywicket-20990101T000000Z.backup"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(24 * time.Hour)
	turn(8)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}
