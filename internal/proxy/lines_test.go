package proxy

import (
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
)

// An app that is refused again and again leaves a bounded number of lines, and
// the next one says how many there were; other apps keep theirs.
func TestRefusedAppsLeaveFewLines(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	loud, quiet := b.pair(anything()), b.pair(anything())
	b.must(b.pairing.Suspend(loud.id))
	b.must(b.pairing.Suspend(quiet.id))
	b.clock.stop()
	before := len(b.events())
	for range 3 * linesAtOnce {
		if got := loud.post(question); got.status != 403 {
			t.Fatalf("status %d", got.status)
		}
	}
	if n := len(b.events()) - before; n < linesAtOnce || n > linesAtOnce+linesPerMinute {
		t.Errorf("%d lines", n)
	}
	if got := quiet.post(question); len(b.recorded(audit.RequestDenied, got.id())) != 1 {
		t.Errorf("another app's line is missing")
	}
	b.clock.advance(time.Minute)
	got := loud.post(question)
	lines := b.recorded(audit.RequestDenied, got.id())
	if len(lines) != 1 || lines[0].AppID != loud.id || !strings.Contains(lines[0].Detail, "not recorded") {
		t.Errorf("lines: %+v", lines)
	}
}

// What never reaches a provider is counted by no limit, so it must not leave
// lines without end either. Once the provider is there again, so is the app.
func TestFutileRequestsLeaveFewLines(t *testing.T) {
	t.Parallel()
	b := newBench(t, nowhere)
	a := limitedApp(b)
	b.clock.stop()
	before := len(b.events())
	for range 3 * linesAtOnce {
		if got := a.post(question); got.status != 502 {
			t.Fatalf("status %d", got.status)
		}
	}
	const most = 3 * (linesAtOnce + linesPerMinute) // two for each that was tried, one for each that was not
	if n := len(b.events()) - before; n > most {
		t.Errorf("%d lines", n)
	}
	if used, held := a.used(); used != 0 || held != 0 {
		t.Errorf("used %d, held %d", used, held)
	}
	b.clock.advance(time.Minute)
	if got := a.post(question); len(b.recorded(audit.RequestStarted, got.id())) != 1 {
		t.Errorf("it was not tried again: %d %s", got.status, got.body)
	}
}

// As long as nothing fails, nothing is held up.
func TestAttempts(t *testing.T) {
	t.Parallel()
	a, now := newAttempts(), time.Now()
	for range 10 * linesAtOnce {
		if !a.begin("a", now) {
			t.Fatal("refused although nothing has failed")
		}
	}
	for range 10 * linesAtOnce {
		a.end("a", now, true)
	}
	for range linesAtOnce - 2 {
		a.begin("a", now)
		a.end("a", now, false)
	}
	for n, want := range []bool{true, true, false} {
		if a.begin("a", now) != want {
			t.Errorf("begin %d: want %v", n, want)
		}
	}
	if !a.begin("b", now) {
		t.Errorf("another app is held up")
	}
	a.end("a", now, true)
	a.end("a", now, true)
	if !a.begin("a", now.Add(time.Hour)) {
		t.Errorf("still held up after an hour")
	}
}
