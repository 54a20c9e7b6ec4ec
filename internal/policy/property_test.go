package policy

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy/price"
	"pgregory.net/rapid"
)

// reference is the ledger as one would write it with nothing to fear: exact
// counts by unit and period, no disk, no crash.
type reference struct {
	*rapid.T
	book *book
	doc  Document
	open []*referenceHold

	settled map[string]int64 // by counter and period
}

// referenceHold is a running request.
type referenceHold struct {
	*Reservation
	usage  Usage            // certain so far
	counts map[string]int64 // what it holds, by counter and period
	alive  bool             // its process still runs
}

// The highest caps drawn. Ceilings follow the cap of the last request let
// through, so an edit just before a crash leaves an older block.
var highest = amounts{60, 60_000, 600_000}

// penny is a price in whole nano-dollars: 3 a token in, 10 a token out.
var penny = price.Rate{Input: 3_000_000, CacheRead: 3_000_000, CacheWrite: 3_000_000, Output: 10_000_000}

func takes(unit int, u Usage) int64 {
	return amounts{1, u.InputTokens + u.OutputTokens, 3*u.InputTokens + 10*u.OutputTokens}[unit]
}

func referenceName(l Limit, unit int, now time.Time) string {
	switch l.Per {
	case Day:
		return fmt.Sprint("day ", l.Model, units[unit], now.Format(time.DateOnly))
	case Month:
		return fmt.Sprint("month ", l.Model, units[unit], now.Format("2006-01"))
	}
	return fmt.Sprint("lifetime ", l.Model, units[unit])
}

// each calls f for every unit of every limit that counts the model.
func (r *reference) each(model string, f func(name string, unit int, most int64)) {
	for _, l := range r.doc.Limits {
		if l.Model != "" && l.Model != model {
			continue
		}
		for unit, u := range units {
			if u.cap(l) != 0 {
				f(referenceName(l, unit, r.book.readClock()), unit, u.cap(l))
			}
		}
	}
}

func (r *reference) held(name string) (all int64) {
	for _, h := range r.open {
		if h.alive {
			all += h.counts[name]
		}
	}
	return all
}

func (r *reference) running() (n int) {
	for _, h := range r.open {
		if h.alive {
			n++
		}
	}
	return n
}

// affords is the largest output, up to most, for which every limit has room:
// now, or if all others gave back what they hold. -1 is none.
func (r *reference) affords(req Request, most int64, now bool) int64 {
	for output := most; output >= 0; output-- {
		ok := true
		r.each(req.Model, func(name string, unit int, limit int64) {
			used := r.settled[name]
			if now {
				used += r.held(name)
			}
			ok = ok && used+takes(unit, Usage{InputTokens: req.InputTokens, OutputTokens: output}) <= limit
		})
		if ok {
			return output
		}
	}
	return -1
}

// verdict is what should become of a request: the output it may begin with, or
// why it may not.
func (r *reference) verdict(req Request) (output int64, code string) {
	want := req.OutputTokens
	if req.Stream {
		want = min(want, 256)
	}
	best, now := r.affords(req, want, false), r.affords(req, want, true)
	switch {
	case r.doc.Concurrency != 0 && r.running() >= r.doc.Concurrency:
		return 0, CodeConcurrencyLimited
	case best < 1:
		return 0, "spent"
	case now < min(best, 256):
		return 0, CodeBudgetHeld
	}
	return now, ""
}

func (r *reference) reserve(*rapid.T) {
	req := ask
	req.Model = rapid.SampledFrom([]string{"a", "b"}).Draw(r.T, "model")
	req.InputTokens = rapid.Int64Range(0, 2000).Draw(r.T, "input")
	req.OutputTokens = rapid.Int64Range(1, 2000).Draw(r.T, "output")
	req.Stream = rapid.Bool().Draw(r.T, "stream")
	req.Choices, req.Rate = 1, &penny
	for _, h := range r.open { // the half left to streams has its own test
		req.Stream = req.Stream || h.alive && h.need.grows()
	}
	output, code := r.verdict(req)
	res, err := r.book.Reserve("per_a", r.doc, req)
	denied, _ := errors.AsType[*Denied](err)
	switch {
	case err != nil && denied == nil:
		r.Fatal(err)
	case (err == nil) != (code == ""):
		r.Fatalf("the reference says %q, the ledger %v\n%v\n%v", code, err, r.settled, r.book.states(r.doc))
	case err != nil:
		if spent := denied.Code != CodeBudgetHeld && denied.Code != CodeConcurrencyLimited; spent != (code == "spent") && !r.several(req) {
			r.Fatalf("the reference says %q, the ledger %v", code, denied.Code)
		}
		return
	}
	h := &referenceHold{Reservation: res, usage: Usage{InputTokens: req.InputTokens, OutputTokens: 1}, alive: true}
	if !req.Stream {
		if h.usage.OutputTokens = output; output == req.OutputTokens {
			output = 0
		}
		if res.OutputCap() != output {
			r.Fatalf("output cap %d, want %d", res.OutputCap(), output)
		}
	}
	r.open = append(r.open, h)
	r.observe(h, true)
}

// several says that more than one limit refuses: which of them is named is not
// the reference's business.
func (r *reference) several(req Request) bool { return len(r.doc.Limits) > 1 && req.InputTokens >= 0 }

// observe takes over what a request holds, which must be what it needs and a
// slice at most.
func (r *reference) observe(h *referenceHold, grown bool) {
	counts := map[string]int64{}
	r.book.mu.Lock()
	for i := range h.holds {
		at := &h.holds[i]
		name := fmt.Sprint(at.counter.key.Per, " ", at.counter.key.Model, at.counts())
		if s := fmt.Sprint(int64(at.tally.span)); s != "0" {
			name += s[:4] + "-" + s[4:6]
			if len(s) == 8 {
				name += "-" + s[6:]
			}
		}
		counts[name] = at.amount
		need := takes(at.unit, h.usage)
		slice := max(at.cap/64, takes(at.unit, Usage{OutputTokens: 256}))
		if at.amount < need || grown && at.amount > need+slice && at.amount > h.counts[name] {
			r.Fatalf("%s: holds %d for %d", name, at.amount, need)
		}
	}
	r.book.mu.Unlock()
	h.counts = counts
}

func (r *reference) draw(what string) *referenceHold {
	if len(r.open) == 0 {
		r.Skip()
	}
	return r.open[rapid.IntRange(0, len(r.open)-1).Draw(r.T, what)]
}

func (r *reference) grow(*rapid.T) {
	h := r.draw("which")
	u := h.usage
	u.OutputTokens += rapid.Int64Range(0, 600).Draw(r.T, "more")
	ok := true
	for i := range h.holds {
		at := &h.holds[i]
		more := takes(at.unit, u) - at.amount
		ok = ok && (more <= 0 || at.tally.used()+more <= at.cap)
	}
	err := h.Grow(u)
	if !h.alive {
		return
	}
	if denied, _ := errors.AsType[*Denied](err); (err == nil) != ok || err != nil && denied == nil {
		r.Fatalf("the reference says room is %v, the ledger %v", ok, err)
	}
	if err == nil {
		h.usage = u
	}
	r.observe(h, true)
}

func (r *reference) end(*rapid.T) {
	h := r.draw("which")
	r.finish(h)
}

func (r *reference) finish(h *referenceHold) {
	for i := range r.open {
		if r.open[i] == h {
			r.open = append(r.open[:i], r.open[i+1:]...)
			break
		}
	}
	u := h.usage
	u.InputTokens = max(0, u.InputTokens+rapid.Int64Range(-100, 20).Draw(r.T, "wrong by"))
	release := rapid.Bool().Draw(r.T, "release")
	if release {
		h.Release()
	} else {
		h.Settle(u)
	}
	if !h.alive || release {
		return
	}
	for name := range h.counts {
		for i, unit := range units {
			if len(name) > len(unit) && hasUnit(name, unit) {
				r.settled[name] += takes(i, u)
			}
		}
	}
}

func hasUnit(name string, u Unit) bool {
	for i := 0; i+len(u) <= len(name); i++ {
		if name[i:i+len(u)] == string(u) {
			return true
		}
	}
	return false
}

// edit changes the caps and puts every running request under them.
func (r *reference) edit(*rapid.T) {
	r.doc = randomDocument(r.T, r.doc.Concurrency)
	for _, h := range append([]*referenceHold(nil), r.open...) {
		ok := true
		r.each(h.need.req.Model, func(name string, _ int, most int64) {
			if _, counted := h.counts[name]; counted {
				ok = ok && r.settled[name]+r.held(name) <= most
			}
		})
		today := true // what began on another day counts there
		r.each(h.need.req.Model, func(name string, _ int, _ int64) {
			_, counted := h.counts[name]
			today = today && counted
		})
		err := h.Renew(r.doc)
		if !h.alive {
			continue
		}
		if today && (err == nil) != ok {
			r.Fatalf("the reference says it fits: %v, the ledger %v", ok, err)
		}
		if err != nil {
			r.finish(h)
			continue
		}
		r.observe(h, false)
	}
}

// resync takes over what the ledger says after a start.
func (r *reference) resync(exact, quiet bool) {
	held := map[string]int64{}
	r.each("a", func(name string, _ int, _ int64) { held[name] = r.held(name) })
	for _, h := range r.open {
		h.alive = false
	}
	i := 0
	states := r.book.Limits("per_a", r.doc)
	r.each("a", func(name string, unit int, _ int64) {
		s, used := states[i], r.settled[name]+held[name]
		over := s.Used - used
		switch {
		case over < 0 || s.Held != 0:
			r.Fatalf("%s under-counts after a start: %+v, want %d", name, s, used)
		case exact && over != 0:
			r.Fatalf("%s is not exact after a restart: %+v, want %d", name, s, used)
		case quiet && over > units[unit].block(highest[unit]):
			r.Fatalf("%s over-counts by %d after a crash: %+v", name, over, s)
		}
		r.settled[name] = s.Used
		i++
	})
}

func (r *reference) compare(*rapid.T) {
	i := 0
	states := r.book.Limits("per_a", r.doc)
	r.each("a", func(name string, _ int, _ int64) {
		if s := states[i]; s.Used != r.settled[name] || s.Held != r.held(name) {
			r.Fatalf("%s: %+v, want %d and %d", name, s, r.settled[name], r.held(name))
		}
		i++
	})
}

// Random requests that grow, end, are cut and edited, days, restarts and
// crashes: the ledger decides as the reference does, and after a crash stands
// at most a block too high, never too low.
func TestLedgerAgainstReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := newBook(t, time.UTC)
		defer b.settleDown()
		concurrency := rapid.IntRange(0, 12).Draw(rt, "concurrency")
		r := &reference{T: rt, book: b, doc: randomDocument(rt, concurrency), settled: map[string]int64{}}
		rt.Repeat(map[string]func(*rapid.T){
			"reserve": r.reserve, "reserve again": r.reserve, "grow": r.grow, "grow again": r.grow, "end": r.end, "edit": r.edit,
			"wait": func(rt *rapid.T) {
				b.move(time.Duration(rapid.IntRange(1, 40).Draw(rt, "hours")) * time.Hour)
			},
			"start": func(rt *rapid.T) {
				if rapid.Bool().Draw(rt, "in good order") {
					b.close()
					b.open()
					r.resync(true, true)
					return
				}
				quiet := rapid.Bool().Draw(rt, "quiet")
				if quiet {
					b.settleDown()
				}
				b.crash()
				r.resync(false, quiet)
			},
			"": r.compare,
		})
	})
}

func randomDocument(rt *rapid.T, concurrency int) Document {
	amount := func(unit int) int64 {
		return rapid.Int64Range(highest[unit]/20+1, highest[unit]).Draw(rt, string(units[unit]))
	}
	return Document{
		Resource:    "llm:openai",
		Concurrency: concurrency,
		Limits: []Limit{
			{Per: Day, Requests: amount(0), Tokens: amount(1)},
			{Per: Month, Requests: amount(0), Dollars: Dollars(amount(2))},
			{Per: Lifetime, Tokens: amount(1)},
			{Per: Day, Model: "a", Requests: amount(0), Tokens: amount(1), Dollars: Dollars(amount(2))},
		},
	}
}
