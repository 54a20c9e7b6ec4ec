package policy

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// killsVar is how often the crowd is killed.
const (
	killsVar   = "KEYWICKET_TEST_KILLS"
	crowdSeed  = "KEYWICKET_TEST_CROWD"       // makes the test binary play a crowd that is killed
	crowdWhole = "KEYWICKET_TEST_CROWD_WHOLE" // whose answers are not streamed
)

const crowdSize = 50

func crowdDocument() Document {
	return limits(Limit{Per: Lifetime, Requests: 2000, Tokens: 200_000, Dollars: 2_000_000})
}

// bounds are what a request has used at least and what it may hold at most, as
// the crowd says before and after each step.
type bounds struct {
	id        int
	low, high Usage
	began     int64 // 0 or 1: whether the request is counted at least
}

func (b bounds) String() string {
	return fmt.Sprintf("%d %d %d %d %d %d\n", b.id, b.began, b.low.InputTokens, b.low.OutputTokens, b.high.InputTokens, b.high.OutputTokens)
}

func (b bounds) say() { _, _ = os.Stdout.WriteString(b.String()) }

func parseBounds(line string) (b bounds, err error) {
	_, err = fmt.Sscan(line, &b.id, &b.began, &b.low.InputTokens, &b.low.OutputTokens, &b.high.InputTokens, &b.high.OutputTokens)
	return b, err
}

// crowdIn spends the budget in a directory until it is spent, or killed.
func crowdIn(dir string, seed uint64, whole bool) error {
	disk, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	l, err := NewLedger(LedgerConfig{Store: disk})
	if err != nil {
		return err
	}
	var ids atomic.Int64
	var all sync.WaitGroup
	for i := range crowdSize {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			for one(l, rnd, int(ids.Add(1)), whole) {
			}
		})
	}
	all.Wait()
	os.Exit(0) // as abrupt as a kill
	return nil
}

// one is a request whose estimates are right. It says whether there may be
// more of them.
func one(l *Ledger, rnd *rand.Rand, id int, whole bool) bool {
	req := ask
	req.Choices, req.Rate, req.Stream = 1, &penny, !whole
	req.InputTokens, req.OutputTokens = 1+rnd.Int64N(80), 1+rnd.Int64N(600)
	b := bounds{id: id, high: Usage{InputTokens: req.InputTokens, OutputTokens: 1}}
	if whole {
		b.high.OutputTokens = req.OutputTokens
	}
	b.say()
	r, err := l.Reserve("per_a", crowdDocument(), req)
	if err != nil {
		b.high = Usage{}
		b.say()
		time.Sleep(time.Duration(rnd.IntN(3)) * time.Millisecond)
		return err.(*Denied).Code == CodeBudgetHeld
	}
	if whole {
		b.high = r.Held()
	}
	b.low, b.began = b.high, 1
	b.say()
	time.Sleep(time.Duration(rnd.IntN(3000)) * time.Microsecond)
	if rnd.IntN(10) == 0 {
		b.low, b.began = Usage{}, 0
		b.say()
		r.Release()
		b.high = Usage{}
		b.say()
		return true
	}
	for b.high.OutputTokens < req.OutputTokens {
		b.high.OutputTokens = min(req.OutputTokens, b.high.OutputTokens+1+rnd.Int64N(30))
		b.say()
		if r.Grow(b.high) != nil {
			b.high = b.low
			break
		}
		b.low = b.high
		b.say()
		time.Sleep(time.Duration(rnd.IntN(1000)) * time.Microsecond)
	}
	if whole {
		b.low.OutputTokens = 1 + rnd.Int64N(b.low.OutputTokens)
		b.say()
		b.high = b.low
	}
	r.Settle(b.low)
	b.say()
	return true
}

// killed runs a crowd until it has said so many lines, kills it, and tells what
// each of its requests may have used.
func killed(t *testing.T, dir string, seed uint64, lines int, whole bool) map[int]bounds {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	child := exec.CommandContext(ctx, self) // SIGKILL when cancelled
	child.Env = append(os.Environ(), childDir+"="+dir, crowdSeed+"="+strconv.FormatUint(seed, 10))
	if whole {
		child.Env = append(child.Env, crowdWhole+"=1")
	}
	child.Stderr = os.Stderr
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	all := map[int]bounds{}
	n := 0
	for said := bufio.NewScanner(out); said.Scan(); {
		b, err := parseBounds(said.Text())
		if err != nil {
			t.Errorf("%q: %v", said.Text(), err)
			break
		}
		all[b.id] = b
		if n++; n == lines {
			cancel()
		}
	}
	cancel()
	_ = child.Wait()
	return all
}

// A crowd is killed at random points, again and again: what was used stays
// counted, and at most a block more does for each time.
func TestKillACrowd(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprintf("whole=%v", whole), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(7, 7))
			b := &book{t: t, dir: t.TempDir(), zone: time.UTC}
			b.set(noon)
			b.open()
			before := b.Limits("per_a", crowdDocument())
			var used amounts // by all that were killed, at least
			for range size(t, killsVar, 4) {
				b.close()
				requests := killed(t, b.dir, rnd.Uint64(), 1+rnd.IntN(3000), whole)
				b.open()
				after := b.Limits("per_a", crowdDocument())
				for i, unit := range units {
					low, high := tellBounds(requests, i)
					used[i] += low
					over := unit.block(after[i].Limit)
					if unit != Requests { // slices ahead: a share of the limit, and a token each
						over += after[i].Limit/64 + crowdSize*takes(i, Usage{OutputTokens: 1})
					}
					if got := after[i].Used - before[i].Used; got < low || !whole && got > high+over {
						t.Errorf("%s: %d counted after the kill, want from %d to %d and a block", unit, got, low, high)
					}
					if after[i].Used > after[i].Limit {
						t.Errorf("%s: %d of %d", unit, after[i].Used, after[i].Limit)
					}
				}
				before = after
			}
			for i, s := range b.Limits("per_a", crowdDocument()) {
				if used[i] > s.Used {
					t.Errorf("%s: %d used in all, %d counted", s.Unit, used[i], s.Used)
				}
			}
			b.close()
		})
	}
}

// tellBounds adds up what the requests took of a unit. All that is cut off by
// the kill is in between.
func tellBounds(requests map[int]bounds, unit int) (low, high int64) {
	for _, b := range requests {
		if units[unit] == Requests {
			low += b.began
			if b.high != (Usage{}) {
				high++
			}
			continue
		}
		low += takes(unit, b.low)
		high += takes(unit, b.high)
	}
	return low, high
}
