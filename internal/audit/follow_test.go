package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, dir)
		write(t, l, 1, 2)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var got []string
		ended := make(chan error, 1)
		go func() {
			ended <- l.Follow(ctx, func(e Event) error { got = append(got, e.RequestID); return nil })
		}()
		synctest.Wait()
		write(t, l, 3, 4)
		synctest.Wait()
		write(t, l, 5, 5)
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Follow ended with %v", err)
		}
		if len(got) != 3 || got[0] != "req_3" || got[2] != "req_5" {
			t.Errorf("followed %v, want req_3 to req_5", got)
		}
	})
}

func TestFollowGoesOnInANewFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, dir)
		write(t, l, 1, 2)
		var got []Event
		ended := make(chan error, 1)
		go func() {
			ended <- l.Follow(t.Context(), func(e Event) error { got = append(got, e); return nil })
		}()
		synctest.Wait()

		d.logWrite, d.truncate = full(30), syscall.EIO // opened again, the same file
		_ = l.Append(Event{Kind: RequestStarted})
		*d = disk{}
		write(t, l, 3, 3)
		synctest.Wait()

		path := filepath.Join(dir, logFile)
		if err := os.Truncate(path, 0); err != nil { // the same file, shorter
			t.Fatal(err)
		}
		write(t, l, 4, 4)
		synctest.Wait()

		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		write(t, l, 5, 5)
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("Follow ended with %v", err)
		}
		var seen []string
		for _, e := range got {
			seen = append(seen, string(e.Kind)+e.RequestID)
		}
		want := []string{
			"audit.recovered", "request.endedreq_3",
			"audit.recovered", "request.endedreq_4",
			"audit.recovered", "request.endedreq_5",
		}
		if len(seen) != len(want) {
			t.Fatalf("followed %v, want %v", seen, want)
		}
		for i := range want {
			if seen[i] != want[i] {
				t.Fatalf("followed %v, want %v", seen, want)
			}
		}
	})
}

func TestFollowEndsWithItsCallersError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, dir)
		enough := errors.New("enough")
		ended := make(chan error, 1)
		go func() { ended <- l.Follow(t.Context(), func(Event) error { return enough }) }()
		synctest.Wait()
		write(t, l, 1, 2)
		if err := <-ended; !errors.Is(err, enough) {
			t.Errorf("Follow ended with %v", err)
		}
	})
}
