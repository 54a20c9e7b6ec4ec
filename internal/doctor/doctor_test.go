package doctor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checkFindings wants the severity of the worst finding, words in one of them,
// and a remedy for whatever is not good.
func checkFindings(t *testing.T, found []Finding, worst Severity, words string) {
	t.Helper()
	if got := Worst(found); got != worst {
		t.Errorf("worst is %s, want %s: %+v", got, worst, found)
	}
	said := false
	for _, f := range found {
		said = said || strings.Contains(f.Message, words)
		if f.Check == "" || f.Message == "" || (f.Severity == OK) != (f.Remedy == "") {
			t.Errorf("incomplete: %+v", f)
		}
	}
	if !said {
		t.Errorf("nothing says %q: %+v", words, found)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		spoil func(dir string) error
		worst Severity
		words string
	}{
		{"as it should be", func(string) error { return nil }, OK, "for their owner alone"},
		{"open directory", func(dir string) error { return os.Chmod(dir, 0o755) }, Problem, "mode 0755"},
		{"open file", func(dir string) error { return os.Chmod(filepath.Join(dir, "host.key"), 0o640) }, Problem, "host.key is open to other users"},
		{"link", func(dir string) error { return os.Symlink("/dev/null", filepath.Join(dir, "audit.jsonl")) }, Problem, "audit.jsonl is no plain file"},
		{"absent", os.RemoveAll, Problem, "there is no data directory"},
		{"unreadable name", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "other"), nil, 0o604)
		}, Problem, "other is open"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "host.key"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := row.spoil(dir); err != nil {
				t.Fatal(err)
			}
			checkFindings(t, Files(dir), row.worst, row.words)
		})
	}
}

func TestDisk(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		volume volume
		worst  Severity
		words  string
	}{
		{volume{free: 1 << 40, files: 10, freeFiles: 5}, OK, "1048576 MB are free"},
		{volume{free: 1 << 40}, OK, "free"}, // some file systems do not count files
		{volume{free: 200 << 20, files: 10, freeFiles: 5}, Warning, "only 200 MB"},
		{volume{free: 1 << 20, files: 10, freeFiles: 5}, Problem, "only 1 MB"},
		{volume{free: 1 << 40, files: 10}, Problem, "no room for another file"},
		{volume{free: 1 << 40, readOnly: true}, Problem, "read-only"},
		{volume{free: 1 << 40, memory: true}, Warning, "lies in memory"},
	} {
		checkFindings(t, disk("/data", row.volume, "disk", "free some"), row.worst, row.words)
	}
	if found := Disk(filepath.Join(t.TempDir(), "absent")); Worst(found) != Problem {
		t.Errorf("a directory that is not there: %+v", found)
	}
	if found := Disk(t.TempDir()); len(found) == 0 {
		t.Error("nothing found on a real disk")
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	checkFindings(t, Clock(now, now.Add(-time.Hour)), OK, "past the last line")
	checkFindings(t, Clock(now, now.Add(10*time.Second)), OK, "past the last line")
	checkFindings(t, Clock(now, time.Time{}), OK, "2026-11-21")
	checkFindings(t, Clock(now, now.Add(time.Hour)), Problem, "1h0m0s behind")
	checkFindings(t, Clock(time.Unix(0, 0), time.Time{}), Problem, "1970")
}

func TestBackup(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	checkFindings(t, Backup(now, time.Time{}), Warning, "no backup")
	checkFindings(t, Backup(now, now.Add(-72*time.Hour)), Warning, "3 days old")
	checkFindings(t, Backup(now, now.Add(-20*time.Hour)), OK, "2026-11-20")
}

func TestUnsafe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none, swap := filepath.Join(dir, "none"), filepath.Join(dir, "swaps")
	if err := os.WriteFile(swap, []byte("Filename Type Size\n/dev/zram0 partition 1\n/swapfile file 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		habits Habits
		worst  Severity
		words  string
	}{
		{Habits{DataDir: dir, SwapFile: none}, OK, "no unsafe"},
		{Habits{DataDir: dir, SwapFile: none, UnlockFile: "/run/keys/keywicket"}, OK, "no unsafe"},
		{Habits{DataDir: dir, SwapFile: none, UnlockFile: dir + "/../" + filepath.Base(dir) + "/unlock.key"}, Problem, "lies in the data directory"},
		{Habits{DataDir: dir, SwapFile: none, PassphraseInEnvironment: true}, Warning, "KEYWICKET_PASSPHRASE"},
		{Habits{DataDir: dir, SwapFile: swap}, Note, "swap is on (/swapfile)"},
	} {
		checkFindings(t, Unsafe(row.habits), row.worst, row.words)
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	now := time.Now()
	issuer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer})
	}))
	t.Cleanup(server.Close)
	secure := httptest.NewTLSServer(nil) // its certificate is nobody's
	t.Cleanup(secure.Close)

	issuer = server.URL
	checkFindings(t, PublicURL(t.Context(), server.URL, true, now), OK, "this gateway answers")
	issuer = "http://127.0.0.1:1"
	checkFindings(t, PublicURL(t.Context(), server.URL, true, now), Problem, "another gateway answers")
	checkFindings(t, PublicURL(t.Context(), "http://"+nobody, true, now), Problem, "no gateway answers")
	checkFindings(t, PublicURL(t.Context(), "http://"+nobody, false, now), OK, "this machine only")
	checkFindings(t, PublicURL(t.Context(), "http://keys.example.com", false, now), Problem, "in clear")
	checkFindings(t, PublicURL(t.Context(), "keys.example.com", false, now), Problem, "is not an address")
	checkFindings(t, PublicURL(t.Context(), secure.URL, false, now), Problem, "cannot be reached over TLS")
}

func TestProviders(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	checkFindings(t, Providers(t.Context(), nil), Note, "no provider was tried")
	found := Providers(t.Context(), []Provider{
		{"llm:near", server.URL + "/v1", true}, {"llm:gone", "http://" + nobody, true}, {"llm:unwanted", server.URL + "/v1", false},
	})
	checkFindings(t, found, Problem, "llm:gone cannot be reached")
	checkFindings(t, found, Problem, "llm:unwanted is at a private address")
	if found[0].Severity != OK {
		t.Errorf("a provider that is there: %+v", found[0])
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	checkFindings(t, Providers(ctx, []Provider{{"llm:near", server.URL, true}}), Problem, "llm:near")
}

// nobody is an address nobody listens on.
const nobody = "127.0.0.1:1"

func TestSort(t *testing.T) {
	t.Parallel()
	found := []Finding{{Check: "a", Severity: OK}, {Check: "b", Severity: Note}, {Check: "c", Severity: Problem}, {Check: "d", Severity: "?"}, {Check: "e", Severity: Warning}}
	Sort(found)
	order := ""
	for _, f := range found {
		order += f.Check
	}
	if order != "cdeba" {
		t.Errorf("sorted %s", order)
	}
}
