package vault

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

// smallDisk is a vault on a disk of 4 MiB that can be filled: a real one where
// the test may mount one, else writes that fail as they would.
func smallDisk(t *testing.T) (h *house, fill, free func()) {
	t.Helper()
	h = &house{t: t, dir: t.TempDir(), clock: newClock()}
	err := syscall.Mount("tmpfs", h.dir, "tmpfs", 0, "size=4m,mode=0700")
	h.start()
	t.Cleanup(func() {
		_ = h.store.Close()
		if err == nil {
			must(t, syscall.Unmount(h.dir, syscall.MNT_DETACH)) // a child not yet itself may hold it
		}
	})
	if err != nil {
		t.Logf("no real disk (%v): failing writes stand in for it", err)
		fill = func() { h.update = func(func(*store.Tx) error) error { return syscall.ENOSPC } }
		return h, fill, func() { h.update = h.store.Update }
	}
	ballast := filepath.Join(h.dir, "ballast")
	fill = func() { is(t, os.WriteFile(ballast, make([]byte, 8<<20), 0o600), syscall.ENOSPC) }
	return h, fill, func() { must(t, os.Remove(ballast)) }
}

// On a full disk nothing changes, keys are still released, and with space the
// same process goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	h, fill, free := smallDisk(t)
	must(t, h.Init([]byte(testPassphrase)))
	for i := range 30 { // more than the free pages of the file have room for
		h.add("llm:openai", fmt.Sprint("key ", i), "", canary)
	}
	must(t, h.Rotate(t.Context()))
	refused := 0
	for round := range 3 {
		version := h.RootVersion()
		fill()
		for i := 0; ; i++ {
			_, err := h.AddCredential(NewCredential{Resource: "llm:groq", Label: fmt.Sprint(round, " ", i), Secret: NewSecret(make4k())})
			if err != nil {
				break
			}
			if i > 500 {
				t.Fatal("never full")
			}
		}
		keys := len(h.credentials)
		if err := h.Rotate(t.Context()); err == nil {
			version++ // the file had enough free pages
		} else {
			refused++
		}
		if h.RootVersion() != version {
			t.Fatalf("version %d, want %d", h.RootVersion(), version)
		}
		if opened, err := h.Check(t.Context()); err != nil || opened != keys {
			t.Fatalf("while full: %d of %d keys open, %v", opened, keys, err)
		}
		free()
		must(t, h.Rotate(t.Context()))
		if opened, err := h.Check(t.Context()); err != nil || opened != keys {
			t.Fatalf("with space again: %d of %d keys open, %v", opened, keys, err)
		}
	}
	if refused == 0 {
		t.Error("no rotation was refused")
	}
	h.restart()
	must(t, h.Unlock([]byte(testPassphrase)))
	if _, err := h.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func make4k() []byte {
	secret := make([]byte, 4<<10)
	for i := range secret {
		secret[i] = 'k'
	}
	return secret
}
