package e2e_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// TestFullDisk fills the disk under a serving gateway: what cannot be recorded
// is refused and not forwarded, and when space returns so does service, without
// a restart.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	fake, err := openaifake.Start(openaifake.Config{Key: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	serve(t, dir, "127.0.0.1:0")
	command(t, dir, "", "init")
	command(t, dir, canaryKey, "key", "add", "llm:openai", "--label", "work", "--base-url", fake.BaseURL(), "--allow-private")
	var made struct {
		PairingString string `json:"pairing_string"`
	}
	out := command(t, dir, "", "pair", "--resource", "llm:openai", "--requests-per-day", "100000", "--expires", "24h", "--approve", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	c, err := client.Pair(t.Context(), made.PairingString, client.App{Name: "Notes"})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (int, string) {
		ai := sdk(c)
		return refusal(second(ai.Chat.Completions.New(t.Context(), question("gpt-4o"))))
	}
	if status, code := ask(); status != 0 {
		t.Fatalf("before: %d %s", status, code)
	}

	ballast := fill(t, dir)
	refused := 0
	for range 500 { // the last page of the log still takes a few lines
		before := fake.Count()
		status, code := ask()
		if status == 0 {
			continue
		}
		if status != 503 || code != "audit_unavailable" {
			t.Fatalf("on a full disk: %d %s", status, code)
		}
		if fake.Count() != before {
			t.Fatal("a refused request reached the provider")
		}
		if refused++; refused == 20 {
			break
		}
	}
	if refused < 20 {
		t.Fatalf("only %d requests were refused on a full disk", refused)
	}
	checkReached(t, dir, fake.Count())

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if status, code := ask(); status != 0 {
		t.Errorf("with space again: %d %s", status, code)
	}
	if verify := command(t, dir, "", "audit", "verify"); verify == "" {
		t.Error("audit verify says nothing")
	}
	checkReached(t, dir, fake.Count())
}

// smallDisk mounts a file system of a few MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=0700")
	if errors.Is(err, syscall.EPERM) {
		t.Skip("a file system of its own needs root; the store's, the ledger's and the audit log's own tests stand in with a layer that fails")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until nothing more fits and returns the file to remove.
func fill(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; size /= 4 {
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, io.ErrShortWrite) {
			t.Fatal(err)
		}
		err = nil
	}
	return f.Name()
}
