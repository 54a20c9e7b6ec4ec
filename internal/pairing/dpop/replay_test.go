package dpop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// memory is a replay memory that the test opens again and again, with a clock that the test moves.
type memory struct {
	t   testing.TB
	dir string
	now *clock
	max int
	*Replay
}

func openMemory(t testing.TB) *memory {
	t.Helper()
	m := &memory{t: t, dir: t.TempDir(), now: &clock{start}}
	m.reopen()
	return m
}

// reopen starts the next process: nothing is closed or flushed first, as after a kill -9.
func (m *memory) reopen() {
	m.t.Helper()
	replay, err := OpenReplay(ReplayConfig{Dir: m.dir, Clock: m.now.Now, MaxEntries: m.max})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = replay.Close() })
	m.Replay = replay
}

func (m *memory) path() string { return filepath.Join(m.dir, "replay.journal") }

const testThumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

// at moves the clock to some seconds after start.
func (m *memory) at(seconds float64) {
	m.now.now = start.Add(time.Duration(seconds * float64(time.Second)))
}

// see shows the memory a proof dated seconds after start.
func (m *memory) see(jti string, seconds float64) error {
	return m.accept(testThumbprint, jti, start.Add(time.Duration(seconds*float64(time.Second))))
}

func (m *memory) want(want error, jti string, seconds float64) {
	m.t.Helper()
	if err := m.see(jti, seconds); !errors.Is(err, want) || want == nil && err != nil {
		m.t.Errorf("proof %s dated %v at %v: %v, want %v", jti, seconds, m.now.now.Sub(start).Seconds(), err, want)
	}
}

func TestReplayOnce(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.at(100.5)
	m.want(nil, "a", 100)
	m.want(ErrReplayed, "a", 100)
	m.want(nil, "b", 100)
	m.want(nil, "c", 110)
	m.want(ErrReplayed, "c", 45) // another date does not make another proof
	m.at(175)
	m.want(ErrReplayed, "c", 110)
	if err := m.accept("another thumbprint, another app", "a", start.Add(170*time.Second)); err != nil {
		t.Errorf("the same jti of another key: %v", err)
	}
}

// TestOneOfManyWins is the same proof through the whole check by 100 goroutines.
func TestOneOfManyWins(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		key, verifier := newTestKey(t, alg), newTestVerifier(t)
		for n, ahead := range []int64{0, 8} { // the second also goes through the journal
			f := forge(t, key)
			f.claims["jti"], f.claims["iat"] = fmt.Sprint(n), start.Unix()+100+ahead
			proof := f.String()
			var wins, replays atomic.Int64
			var group sync.WaitGroup
			for range 100 {
				group.Go(func() {
					_, err := verifier.Verify(testRequest(key, proof))
					switch {
					case err == nil:
						wins.Add(1)
					case errors.Is(err, ErrReplayed):
						replays.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			group.Wait()
			if wins.Load() != 1 || replays.Load() != 99 {
				t.Errorf("%s: %d accepted, %d replayed, want 1 and 99", alg, wins.Load(), replays.Load())
			}
		}
	}
}

// TestReplayAcrossRestart goes through when a proof may have been accepted, around the second of the restart.
func TestReplayAcrossRestart(t *testing.T) {
	t.Parallel()
	for _, accepted := range []float64{90, 99.9, 100, 100.1, 100.9} {
		for _, dated := range []float64{40, 99, 100, 100.5, 101, 114} {
			for _, restart := range []float64{100.9, 101, 101.5, 120, 130} {
				if dated-accepted > 15 || accepted-dated > 60 {
					continue
				}
				name := fmt.Sprintf("accepted %v dated %v restart %v", accepted, dated, restart)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					m := openMemory(t)
					m.at(accepted)
					m.want(nil, "a", dated)
					m.at(restart)
					m.reopen()
					m.want(ErrReplayed, "a", dated)
					m.reopen()
					m.want(ErrReplayed, "a", dated)
				})
			}
		}
	}
}

// TestRestartRefusesNoMoreThanItMust: new proofs pass from the second after the last acceptance on.
func TestRestartRefusesNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.want(ErrReplayed, "old", -1) // dated before the process started
	m.want(nil, "now", 0)          // and in the very second of the start
	m.at(10.2)
	m.want(nil, "a", 10)
	m.want(nil, "b", 15)
	m.at(10.9)
	m.reopen()
	m.want(ErrReplayed, "c", 10) // cannot be told from one that was accepted
	m.want(ErrReplayed, "b", 15)
	m.want(nil, "c", 11)
	m.want(nil, "d", 15)
	m.at(12.1)
	m.reopen()
	m.want(ErrReplayed, "d", 15)
	m.want(nil, "e", 12)
}

func TestClockGoingBackwards(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.at(100)
	m.want(nil, "a", 100)
	m.at(1000) // a is forgotten here, since it is too old to pass
	m.want(nil, "b", 1000)
	if n := m.Len(); n != 1 {
		t.Errorf("%d proofs are remembered, want 1", n)
	}
	m.at(110) // and by its date it would pass again
	m.want(ErrReplayed, "a", 100)
	m.want(nil, "c", 111) // while new ones do
	m.want(ErrReplayed, "c", 111)
	m.at(1001)
	m.want(ErrReplayed, "b", 1000)

	m.at(500) // a restart with the clock set back
	m.reopen()
	m.want(ErrReplayed, "a", 100)
	m.want(ErrReplayed, "b", 1000)
	m.want(ErrReplayed, "x", 501) // cannot be told from one that was accepted before
	m.at(1002)
	m.want(nil, "y", 1002)
}

// TestClockBackAcrossRestarts: what a process lets go of by its date must not come back when the next one starts
// with its clock set back.
func TestClockBackAcrossRestarts(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.at(100)
	m.want(nil, "a", 110) // ahead: in the journal
	m.at(1000)
	m.reopen() // too old now to be kept
	m.at(101)
	m.reopen()
	m.want(ErrReplayed, "a", 110)
}

// One key cannot take the memory from the others, and gets its share back.
func TestReplayShares(t *testing.T) {
	t.Parallel()
	now := start
	r, err := OpenReplay(ReplayConfig{Dir: t.TempDir(), Clock: func() time.Time { return now }, MaxEntries: 10, MaxPerKey: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	other := strings.Repeat("x", len(testThumbprint))
	for n := range 5 {
		want := ErrReplayFull
		if n < 3 {
			want = nil
		}
		if err := r.accept(testThumbprint, fmt.Sprint(n), now); !errors.Is(err, want) {
			t.Errorf("proof %d: %v, want %v", n, err, want)
		}
	}
	if err := r.accept(testThumbprint, "1", now); !errors.Is(err, ErrReplayed) {
		t.Errorf("again: %v", err)
	}
	if err := r.accept(other, "1", now); err != nil {
		t.Errorf("another key: %v", err)
	}
	now = now.Add(2 * time.Minute)
	if err := r.accept(testThumbprint, "6", now); err != nil {
		t.Errorf("later: %v", err)
	}
}

func TestReplayFull(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.max = 10
	m.reopen()
	for n := range 10 {
		m.want(nil, fmt.Sprint(n), 0)
	}
	m.want(ErrReplayFull, "new", 0)
	m.want(ErrReplayed, "3", 0) // nothing is forgotten to make room
	if err := m.see("new", 0); errors.Is(err, ErrInvalidProof) {
		t.Error("a full memory is held against the proof")
	}
	m.at(80)
	m.want(ErrReplayFull, "new", 80)
	m.at(100)
	m.want(nil, "new", 100)
	if n := m.Len(); n != 1 {
		t.Errorf("%d proofs are remembered, want 1", n)
	}
}

func TestReplayConfig(t *testing.T) {
	t.Parallel()
	if _, err := OpenReplay(ReplayConfig{}); err == nil {
		t.Error("no Dir: accepted")
	}
	if _, err := OpenReplay(ReplayConfig{Dir: t.TempDir(), MaxEntries: -1}); err == nil {
		t.Error("negative MaxEntries: accepted")
	}
	if _, err := NewVerifier(VerifierConfig{}); err == nil {
		t.Error("no Replay: accepted")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReplay(ReplayConfig{Dir: file}); err == nil {
		t.Error("a file for a directory: accepted")
	}
}
