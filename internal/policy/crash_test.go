package policy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

func TestCloseWritesExactCounts(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 1000}, Limit{Per: Month, Requests: 20})
	rs := b.take(d, 5)
	rs[0].Settle(Usage{InputTokens: 1, CachedTokens: 2, OutputTokens: 3})
	rs[1].Release()
	b.close() // three still held
	if _, err := b.Reserve("per_a", d, ask); !errors.Is(err, ErrClosed) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("reserving in a closed ledger: %v", err)
	}
	rs[2].Release() // too late: must not panic, nor reach the store
	b.open()
	if got := b.states(d); got[0] != "4+0" || got[1] != "4+0" {
		t.Errorf("after a restart: %v, want 4 used", got)
	}
	if got, want := b.Totals("per_a"), (Totals{1, Usage{InputTokens: 1, CachedTokens: 2, OutputTokens: 3}}); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
}

func TestCrashStartsAtTheCeiling(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ limit, use, release, block int64 }{
		{1, 1, 0, 1}, {5, 2, 0, 1}, {50, 0, 0, 3}, {50, 7, 0, 3}, {50, 49, 0, 3}, {50, 50, 0, 3},
		{50, 20, 15, 3}, // ceilings come down after releases
		{1000, 100, 90, 62}, {1_000_000_000, 3, 2, 1024},
	} {
		b := newBook(t, time.UTC)
		d := limits(Limit{Per: Lifetime, Requests: row.limit})
		rs := b.take(d, int(row.use))
		b.settleDown()
		for i, r := range rs {
			if int64(i) < row.release {
				r.Release()
			} else if i%2 == 0 {
				r.Settle(Usage{})
			}
		}
		b.settleDown()
		b.crash()
		true_ := row.use - row.release
		used := b.Limits("per_a", d)[0].Used
		if used < true_ || used > true_+row.block || used > row.limit {
			t.Errorf("%+v: %d after the crash, want %d and at most a block more", row, used, true_)
		}
	}
}

func TestCrashKeepsTotalsThatHadTime(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 100_000})
	b.take(d, 1)[0].Settle(Usage{OutputTokens: 9})
	b.mu.Lock()
	if timer := b.writer.unsaved.timer; timer != nil {
		timer.Reset(0) // as if totalsDelay had passed
	}
	b.mu.Unlock()
	for unsaved := 1; unsaved > 0; time.Sleep(time.Millisecond) {
		b.mu.Lock()
		unsaved = len(b.writer.unsaved.accounts)
		b.mu.Unlock()
	}
	b.settleDown()
	b.crash()
	if got := b.Totals("per_a"); got.OutputTokens != 9 || got.Requests != 1 {
		t.Errorf("totals %+v", got)
	}
}

// More accounts than are written at a time are all written.
func TestCrashKeepsTotalsOfMany(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	const many = 700
	id := func(i int) string { return fmt.Sprint("per_", i) }
	for i := range many {
		r, err := b.Reserve(id(i), Document{Resource: "llm:openai"}, ask)
		if err != nil {
			t.Fatal(err)
		}
		r.Settle(Usage{OutputTokens: 9})
	}
	for range 3 { // 256 at a time
		b.writer.unsaved.flush()
	}
	b.settleDown()
	b.crash()
	for i := range many {
		if got := b.Totals(id(i)); got.OutputTokens != 9 {
			t.Fatalf("%s: totals %+v", id(i), got)
		}
	}
}

// Once a ceiling is there, reservations go on while the disk is busy, and
// before it is reached the next one has been put there.
func TestHotPathDoesNotWaitForTheDisk(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 1000}, Limit{Per: Month, Requests: 100_000})
	b.use(d, 1) // the ceilings stand at three quarters of blocks of 62 and of 1024
	b.settleDown()
	b.whileBusy(func() { b.use(d, 46) })
	b.settleDown()
	for range 10 {
		b.use(d, 32)
		b.settleDown()
		b.whileBusy(func() { b.use(d, 15) })
	}
}

// whileBusy runs f while somebody else holds the disk for good.
func (b *book) whileBusy(f func()) {
	busy, release := make(chan struct{}), make(chan struct{})
	var disk sync.WaitGroup
	disk.Go(func() {
		_ = b.disk.Update(func(*store.Tx) error {
			close(busy)
			<-release
			return nil
		})
	})
	<-busy
	f()
	close(release)
	disk.Wait()
}

func TestDiskFails(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 2}, Limit{Per: Minute, Requests: 2})
	if err := b.disk.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := b.Reserve("per_a", d, ask); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrClosed) {
			t.Errorf("reserving without a disk: %v", err)
		}
	}
	if got := b.states(d); got[0] != "0+0" || got[1] != "0+0" {
		t.Errorf("the failure took %v", got)
	}
	b.open()
	b.use(d, 2)
}

// childDir makes the test binary play a gateway that is killed.
const (
	childDir = "KEYWICKET_TEST_LEDGER"
	childMax = "KEYWICKET_TEST_LEDGER_MAX" // requests, then wait; 0 is all at once
	childCap = 50
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := play(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, os.Stdin) // until killed, or the parent is gone
		return
	}
	os.Exit(m.Run())
}

// play is what a child does.
func play(dir string) error {
	if seed, err := strconv.ParseUint(os.Getenv(crowdSeed), 10, 64); err == nil {
		return crowdIn(dir, seed, os.Getenv(crowdWhole) != "")
	}
	return spend(dir, os.Getenv(childMax))
}

func killDocument() Document { return limits(Limit{Per: Lifetime, Requests: childCap}) }

// spend reserves as fast as it can and says each one that passed.
func spend(dir, most string) error {
	disk, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	l, err := NewLedger(LedgerConfig{Store: disk})
	if err != nil {
		return err
	}
	one := func() {
		if _, err := l.Reserve("per_a", killDocument(), ask); err == nil {
			_, _ = os.Stdout.WriteString("passed\n")
		}
	}
	if n, err := strconv.Atoi(most); err == nil && n > 0 {
		for range n {
			one()
		}
		return nil
	}
	for range 200 {
		go one()
	}
	return nil
}

// killAfter runs a child until it has said n, kills it, and tells how many it
// had said by then.
func killAfter(t *testing.T, dir string, n, most int) int64 {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), childDir+"="+dir, childMax+"="+strconv.Itoa(most))
	child.Stderr = os.Stderr
	if _, err := child.StdinPipe(); err != nil { // held open while the child runs
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := int64(0)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if said++; said == int64(n) {
			if err := child.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed: always an error
	if said < int64(n) {
		t.Fatalf("the child ended after %d, want it killed after %d", said, n)
	}
	return said
}

func TestKillInTheMiddle(t *testing.T) {
	t.Parallel()
	block := Requests.block(childCap)
	for _, n := range []int{1, 10, 25, 49} {
		// All at once: some reservations die between being made and being said.
		b := &book{t: t, dir: t.TempDir(), zone: time.UTC}
		b.set(noon)
		first := killAfter(t, b.dir, n, 0)
		b.open()
		second := b.usedUp(killDocument())
		b.close()
		if first+second > childCap {
			t.Errorf("killed at %d: %d and then %d passed, more than the cap of %d", n, first, second, childCap)
		}

		// One by one, and then nothing: what was made was said.
		b.dir = t.TempDir()
		first = killAfter(t, b.dir, n, n)
		b.open()
		second = b.usedUp(killDocument())
		b.close()
		if total := first + second; total > childCap || total < childCap-block {
			t.Errorf("killed after %d: %d and then %d passed, want %d less at most a block of %d", n, first, second, childCap, block)
		}
	}
}
