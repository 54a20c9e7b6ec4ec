package proxy

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a := newAside(slog.New(slog.NewTextHandler(&log, nil)))
		want := errors.New("as it ended")
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				asked := want
				if i%2 == 0 {
					asked = nil
				}
				if err := a.do(func() error { time.Sleep(time.Millisecond); return asked }); err != asked {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		all.Wait()
		func() {
			defer func() {
				if recover() != "a secret" {
					t.Error("a panic aside is not one of whoever waits")
				}
			}()
			_ = a.do(func() error { panic("a secret") })
		}()
		if err := a.do(func() error { return want }); err != want {
			t.Errorf("after a panic: %v", err)
		}
		if told := log.String(); !strings.Contains(told, "TestAside") || strings.Contains(told, "a secret") {
			t.Errorf("the log tells where it panicked, and not what with: %s", told)
		}
		time.Sleep(asideIdle + time.Millisecond)
		synctest.Wait() // a goroutine that is left makes the test fail
	})
}
