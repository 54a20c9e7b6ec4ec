package policy

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// reference is the ledger as one would write it with nothing to fear: exact
// counts by day, no disk, no crash.
type reference struct {
	used    map[string]int64 // by counter and period, held included
	running int
}

// highestCap is the highest cap drawn. Ceilings follow the cap of the last
// request let through, so an edit just before a crash leaves an older block.
const highestCap = 60

type referenceHold struct {
	*Reservation
	counts []string
	alive  bool // its process still runs
}

func (r *reference) name(l Limit, now time.Time) string {
	switch l.Per {
	case Day:
		return fmt.Sprint("day ", l.Model, now.Format(time.DateOnly))
	case Month:
		return fmt.Sprint("month ", l.Model, now.Format("2006-01"))
	}
	return fmt.Sprint("lifetime ", l.Model)
}

// counts lists what a request counts in, and whether there is room.
func (r *reference) counts(d Document, req Request, now time.Time) (names []string, room bool) {
	room = d.Concurrency == 0 || r.running < d.Concurrency
	for _, l := range d.Limits {
		if l.Model != "" && l.Model != req.Model {
			continue
		}
		n := r.name(l, now)
		names = append(names, n)
		room = room && r.used[n]+1 <= l.Requests
	}
	return names, room
}

// Random reservations, ends, edits, days, restarts and crashes: the ledger
// decides as the reference does, and after a crash stands at most a block too
// high, never too low.
func TestLedgerAgainstReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := newBook(t, time.UTC)
		defer b.settleDown()
		ref := &reference{used: map[string]int64{}}
		var open []*referenceHold
		d := randomDocument(rt)

		// resync takes over what the ledger says after a crash.
		resync := func(quiet bool) {
			ref.running = 0
			for _, h := range open {
				h.alive = false
			}
			for i, s := range b.Limits("per_a", d) {
				n := ref.name(d.Limits[i], b.readClock())
				if s.Used < ref.used[n] || s.Held != 0 {
					rt.Fatalf("%s under-counts after a crash: %+v, want %d", n, s, ref.used[n])
				}
				over := s.Used - ref.used[n]
				if quiet && over > Requests.block(highestCap) || s.Used > highestCap {
					rt.Fatalf("%s over-counts by %d after a crash: %+v", n, over, s)
				}
				ref.used[n] = s.Used
			}
		}

		rt.Repeat(map[string]func(*rapid.T){
			"reserve": func(rt *rapid.T) {
				req := ask
				req.Model = rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "model")
				counts, room := ref.counts(d, req, b.readClock())
				r, err := b.Reserve("per_a", d, req)
				if _, denied := errors.AsType[*Denied](err); err != nil && !denied {
					rt.Fatal(err)
				}
				if (err == nil) != room {
					rt.Fatalf("the reference says room is %v, the ledger %v\n%v\n%v", room, err, ref.used, b.states(d))
				}
				if err == nil {
					for _, n := range counts {
						ref.used[n]++
					}
					ref.running++
					open = append(open, &referenceHold{r, counts, true})
				}
			},
			"end": func(rt *rapid.T) {
				if len(open) == 0 {
					rt.Skip()
				}
				i := rapid.IntRange(0, len(open)-1).Draw(rt, "which")
				h := open[i]
				open = append(open[:i], open[i+1:]...)
				release := rapid.Bool().Draw(rt, "release")
				if release {
					h.Release()
				} else {
					h.Settle(Usage{OutputTokens: 1})
				}
				if !h.alive {
					return // it ended in a process that is no more
				}
				ref.running--
				for _, n := range h.counts {
					if release {
						ref.used[n]--
					}
				}
			},
			"wait": func(rt *rapid.T) {
				b.move(time.Duration(rapid.IntRange(1, 40).Draw(rt, "hours")) * time.Hour)
			},
			"edit": func(rt *rapid.T) {
				// Limits keep their counters; the same ones, so that each is
				// always counted.
				for i := range d.Limits {
					d.Limits[i].Requests = rapid.Int64Range(1, highestCap).Draw(rt, "limit")
				}
			},
			"restart": func(*rapid.T) {
				b.close()
				b.open()
				for i, s := range b.Limits("per_a", d) {
					if n := ref.name(d.Limits[i], b.readClock()); s.Used != ref.used[n] {
						rt.Fatalf("%s is not exact after a restart: %+v, want %d", n, s, ref.used[n])
					}
				}
				resync(true)
			},
			"crash": func(rt *rapid.T) {
				quiet := rapid.Bool().Draw(rt, "quiet")
				if quiet {
					b.settleDown()
				}
				b.crash()
				resync(quiet)
			},
			"": func(rt *rapid.T) {
				for i, s := range b.Limits("per_a", d) {
					if n := ref.name(d.Limits[i], b.readClock()); s.Used+s.Held != ref.used[n] {
						rt.Fatalf("%s: %+v, want %d in all", n, s, ref.used[n])
					}
				}
			},
		})
	})
}

func randomDocument(rt *rapid.T) Document {
	requests := func() int64 { return rapid.Int64Range(1, highestCap).Draw(rt, "limit") }
	return Document{
		Resource:    "llm:openai",
		Concurrency: rapid.IntRange(0, 12).Draw(rt, "concurrency"),
		Limits: []Limit{
			{Per: Day, Requests: requests()},
			{Per: Month, Requests: requests()},
			{Per: Lifetime, Requests: requests()},
			{Per: Day, Model: "a", Requests: requests()},
		},
	}
}
