package client_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/keywicket/keywicket/client"
)

func TestKeyStores(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]client.KeyStore{
		"memory": client.MemoryKeyStore(), "file": client.FileKeyStore(filepath.Join(t.TempDir(), "a", "b")),
	} {
		if _, err := keys.Load(); !errors.Is(err, client.ErrNotPaired) {
			t.Errorf("%s: nothing kept: %v, want ErrNotPaired", name, err)
		}
		if err := keys.Delete(); err != nil {
			t.Errorf("%s: deleting nothing: %v", name, err)
		}
		for _, data := range []string{"first", "second, and longer", "3"} {
			if err := keys.Save([]byte(data)); err != nil {
				t.Fatal(err)
			}
			if got, err := keys.Load(); err != nil || string(got) != data {
				t.Errorf("%s: %q %v, want %q", name, got, err, data)
			}
		}
		if err := keys.Delete(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := keys.Load(); !errors.Is(err, client.ErrNotPaired) {
			t.Errorf("%s: after Delete: %v, want ErrNotPaired", name, err)
		}
	}
}

func TestFileKeyStoreIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	keys := client.FileKeyStore(dir)
	if err := keys.Save([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v %v, want one file", entries, err)
	}
	path := filepath.Join(dir, entries[0].Name())
	for name, want := range map[string]os.FileMode{dir: 0o700, path: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Load(); !errors.Is(err, client.ErrKeyStore) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %v: %v, want a refusal that says what to do", mode, err)
		}
	}
	if err := keys.Save([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := keys.Load(); err != nil || string(got) != "new" {
		t.Errorf("after saving again: %q %v", got, err)
	}
}

// TestFileKeyStoreIsNeverHalfWritten reads while another writes.
func TestFileKeyStoreIsNeverHalfWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long, short := strings.Repeat("a", 100_000), "b"
	if err := client.FileKeyStore(dir).Save([]byte(long)); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for n := range 50 {
			if err := client.FileKeyStore(dir).Save([]byte([]string{short, long}[n%2])); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		if got, err := client.FileKeyStore(dir).Load(); err != nil || string(got) != long && string(got) != short {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
	}
	group.Wait()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestOpenRefusesWhatIsNoConnection(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	keys := client.MemoryKeyStore()
	paired(t, g, func(app *client.App) { app.Keys = keys })
	good, err := keys.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":          "",
		"not JSON":       "garbage",
		"cut off":        string(good[:len(good)/2]),
		"newer":          strings.Replace(string(good), `"version":1`, `"version":2`, 1),
		"no version":     strings.Replace(string(good), `"version":1`, `"version":0`, 1),
		"issuer http":    strings.Replace(string(good), g.issuer, "http://keys.example", 1),
		"no client id":   strings.Replace(string(good), "client_id", "client_ix", 1),
		"no private key": strings.Replace(string(good), `"d":`, `"D":`, 1),
		"key of nobody":  strings.Replace(string(good), `"kty":"EC"`, `"kty":"XX"`, 1),
		"immense":        strings.Repeat(" ", 300<<10) + string(good),
	} {
		if err := keys.Save([]byte(text)); err != nil {
			t.Fatal(err)
		}
		c, err := client.Open(t.Context(), keys, client.App{})
		if !errors.Is(err, client.ErrKeyStore) || c != nil {
			t.Errorf("%s: %v, want ErrKeyStore", name, err)
		}
		if strings.Contains(fmt.Sprint(err), string(good[100:130])) {
			t.Errorf("%s: the error shows what is kept: %v", name, err)
		}
	}
}

func TestConnectionShowsNothingSecret(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, c)
	for refresh := range g.sessions {
		if strings.Contains(shown, refresh) {
			t.Error("shows the refresh token")
		}
	}
	for access := range g.tokens {
		if strings.Contains(shown, access) {
			t.Error("shows the access token")
		}
	}
	if !strings.Contains(shown, g.issuer) || strings.Contains(shown, "kty") {
		t.Errorf("shows %s", shown)
	}
}
