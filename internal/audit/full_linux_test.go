package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk is a log on a disk of 64 KiB: a real one where the test may mount
// one, else one that pretends.
func smallDisk(t *testing.T) (l *Log, fill, free func()) {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Logf("no real disk (%v): a failing layer stands in for it", err)
		l, d := onDisk(t, dir)
		return l, func() { d.logWrite = full(30) }, func() { *d = disk{} }
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	fill = func() {
		t.Helper()
		if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("filling the disk: %v", err)
		}
	}
	return open(t, dir), fill, func() { remove(t, ballast) }
}

// On a full disk lines are refused, none is acknowledged and lost, none is
// left half-written; with space they are written again, by the same process.
func TestDiskFullAndSpaceReturning(t *testing.T) {
	t.Parallel()
	l, fill, free := smallDisk(t)
	l.maxBytes = 5000 // a file is finished on the full disk too
	var acknowledged []string
	for round := range 4 {
		fill()
		refused := 0
		for i := 0; refused < 3; i++ {
			id := fmt.Sprintf("req_%d_%d", round, i)
			switch err := l.Append(Event{Kind: RequestStarted, Actor: App, RequestID: id}); {
			case err == nil:
				acknowledged = append(acknowledged, id)
			case !errors.Is(err, ErrUnavailable):
				t.Fatal(err)
			default:
				refused++
			}
			if i > 2000 {
				t.Fatal("never full")
			}
		}
		if _, err := l.Verify(); err != nil {
			t.Fatalf("round %d, while full: %v", round, err)
		}
		free()
		for i := range 30 {
			id := fmt.Sprintf("req_%d_again_%d", round, i)
			if err := l.Append(Event{Kind: RequestStarted, Actor: App, RequestID: id}); err != nil {
				t.Fatalf("round %d, with space again: %v", round, err)
			}
			acknowledged = append(acknowledged, id)
		}
	}
	verified(t, l, len(acknowledged))
	for i, e := range tail(t, l, maxTail) {
		if e.RequestID != acknowledged[i] {
			t.Fatalf("line %d is %s, want %s", i+1, e.RequestID, acknowledged[i])
		}
	}
}
