package policy

import (
	"errors"
	"testing"
	"time"
)

// A kill does not give a minute out twice: what was under way counts as spent
// until a minute after the start, and for nobody longer.
func TestMinutesAfterAKill(t *testing.T) {
	t.Parallel()
	d := limits(Limit{Per: Minute, Requests: 3})
	for _, row := range []struct {
		name   string
		before time.Duration // from the use to the kill
		after  time.Duration // what the clock does then
		left   int64
	}{
		{"at once", 0, 0, 0},
		{"started after a while", 0, 30 * time.Second, 0},
		{"long after", 0, time.Hour, 3},
		{"long idle before", time.Hour, 0, 3},
		{"clock set back", 0, -24 * time.Hour, 0},
	} {
		b := newBook(t, time.UTC)
		b.use(d, 1)
		b.move(row.before)
		b.settleDown()
		if err := b.disk.Close(); err != nil {
			t.Fatal(err)
		}
		b.move(row.after)
		b.open()
		if s := b.Limits("per_a", d)[0]; s.Used != 3-row.left {
			t.Errorf("%s: %+v", row.name, s)
		}
		if left := b.usedUp(d); left != row.left {
			t.Errorf("%s: %d passed, want %d", row.name, left, row.left)
		}
		if row.left > 0 {
			continue
		}
		if denied := b.refused(d, ask, CodeRateLimited); denied.RetryAfter != time.Minute {
			t.Errorf("%s: retry after %v", row.name, denied.RetryAfter)
		}
		b.move(-time.Hour) // set back once more, while waiting
		if denied := b.refused(d, ask, CodeRateLimited); denied.RetryAfter != time.Minute {
			t.Errorf("%s: retry after %v", row.name, denied.RetryAfter)
		}
		b.move(time.Minute)
		if left := b.usedUp(d); left != 3 {
			t.Errorf("%s: %d passed a minute later, want 3", row.name, left)
		}
	}
}

// Other permissions, and those without rates, do not wait.
func TestKillSparesOthers(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	rated, other := limits(Limit{Per: Minute, Requests: 3}), limits(Limit{Per: Day, Requests: 3})
	b.use(other, 1)
	b.crash()
	if left := b.usedUp(rated); left != 3 {
		t.Errorf("%d passed, want 3: nothing was rated before the kill", left)
	}
	if _, err := b.Reserve("per_b", rated, ask); err != nil {
		t.Errorf("another permission: %v", err)
	}
}

// A ledger that was closed goes on with exact windows, again and again, and a
// kill of one that has only gone on with them loses nothing either.
func TestMinutesAfterAClose(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Minute, Requests: 3}, Limit{Per: Minute, Model: "gpt-4o", Requests: 9}, Limit{Per: Minute, Model: "o3", Requests: 5})
	b.use(d, 1)
	for range 2 {
		b.close()
		b.open()
	}
	if got := b.states(d); got[0] != "1+0" || got[1] != "1+0" || got[2] != "0+0" {
		t.Errorf("after a restart: %v", got)
	}
	b.crash()
	if got := b.states(d); got[0] != "1+0" {
		t.Errorf("killed before it was used: %v", got)
	}
	b.use(d, 1)
	b.crash()
	b.refused(d, ask, CodeRateLimited)
	b.close() // within the minute: it stays spent
	b.open()
	b.refused(d, ask, CodeRateLimited)
}

// The first request waits for the mark; when the disk cannot take it, nothing
// passes.
func TestMinutesNeedTheirMark(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Minute, Requests: 3})
	if err := b.disk.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Reserve("per_a", d, ask); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without a disk: %v", err)
	}
	b.open()
	b.use(d, 1)
	wrote := b.writer.next
	b.use(d, 1)
	b.move(marksAhead/2 + time.Second)
	b.use(d, 1) // the next mark is written in the background
	b.settleDown()
	if b.writer.next == wrote {
		t.Error("no new mark")
	}
	b.mu.Lock()
	marked := b.accounts["per_a"].minutes.marked
	b.mu.Unlock()
	if ahead := marked.Sub(b.readClock()); ahead != marksAhead {
		t.Errorf("the mark is %v ahead", ahead)
	}
}
