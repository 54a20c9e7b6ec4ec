package store_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// flipsEnv sets how many random bit flips are tried; the default keeps the
// test short.
const flipsEnv = "KEYWICKET_FLIPS"

const (
	defaultFlips  = 300
	flipsPerChild = 250
	flipChildEnv  = "KEYWICKET_FLIP_CHILD"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(flipChildEnv); job != "" {
		flipChild(job)
		return
	}
	os.Exit(m.Run())
}

// flipJob is what a child process does, and then all it prints are lines of
// "try N", "ended OUTCOME" and "WRONG what".
type flipJob struct {
	Dir    string
	Seed   uint64
	First  int
	Past   int
	States map[string]map[string]map[string]record // by state ("now", "before"), collection, key
}

// TestBitFlips flips one random bit of a database, opens it in a child process
// and reads everything, many times over. A value that was never written, or
// one of an older state that is not noticed as such, is wrong; so is a child
// that crashes or hangs.
func TestBitFlips(t *testing.T) {
	t.Parallel()
	flips := defaultFlips
	if n, err := strconv.Atoi(os.Getenv(flipsEnv)); err == nil {
		flips = n
	}
	job := flipJob{Dir: t.TempDir(), Seed: rand.Uint64(), States: map[string]map[string]map[string]record{}}
	makeFlipDatabase(t, &job)
	counts := map[string]int{}
	for first := 0; first < flips; first += flipsPerChild {
		job.First, job.Past = first, min(first+flipsPerChild, flips)
		runFlips(t, job, counts)
	}
	t.Logf("%d flips, seed %d: %v", flips, job.Seed, counts)
	if counts["refused"] == 0 || counts["unaffected"] == 0 {
		t.Error("the flips hit nothing, or everything")
	}
}

// makeFlipDatabase makes a file with history: pages that are free again, two
// levels of pages, records removed and written over.
func makeFlipDatabase(t *testing.T, job *flipJob) {
	t.Helper()
	s := open(t, filepath.Join(job.Dir, "whole"))
	fill(t, s, 300)
	must(t, s.RotateHostKey(t.Context()))
	must(t, s.Update(func(tx *store.Tx) error {
		for i := range 50 {
			if err := apps.Delete(tx, fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return grants.Put(tx, "revoked", record{"a grant that should not be", 1})
	}))
	job.States["before"] = everything(t, s)
	must(t, s.Update(func(tx *store.Tx) error {
		return errors.Join(grants.Delete(tx, "revoked"), apps.Put(tx, "60", record{"now", 60}))
	}))
	job.States["now"] = everything(t, s)
	must(t, s.Close())
}

func everything(t *testing.T, s *store.Store) map[string]map[string]record {
	t.Helper()
	all, err := readEverything(s)
	must(t, err)
	return all
}

func readEverything(s *store.Store) (all map[string]map[string]record, err error) {
	all = map[string]map[string]record{}
	err = s.View(func(tx *store.Tx) error {
		var errs [2]error
		all["apps"], errs[0] = apps.All(tx)
		all["grants"], errs[1] = grants.All(tx)
		return errors.Join(errs[:]...)
	})
	return all, err
}

func runFlips(t *testing.T, job flipJob, counts map[string]int) {
	t.Helper()
	raw, err := json.Marshal(job)
	must(t, err)
	path := filepath.Join(job.Dir, "job")
	must(t, os.WriteFile(path, raw, 0o600))
	self, err := os.Executable()
	must(t, err)
	// Far more than it takes: only a child that walks in circles meets it.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, self)
	child.Env = append(os.Environ(), flipChildEnv+"="+path)
	var out, failure bytes.Buffer
	child.Stdout, child.Stderr = &out, &failure
	err = child.Run()
	last := job.First
	for line := range strings.Lines(out.String()) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "try":
			last, _ = strconv.Atoi(rest)
		case "ended":
			counts[rest]++
		case "WRONG":
			t.Errorf("flip %d of seed %d: %s", last, job.Seed, rest)
		}
	}
	if err != nil {
		counts["crashed"]++
		t.Errorf("flip %d of seed %d: child ended with %v: %.2000s", last, job.Seed, err, failure.String())
		if job.First = last + 1; job.First < job.Past {
			runFlips(t, job, counts)
		}
	}
}

// flipChild is the child process.
func flipChild(path string) {
	raw, err := os.ReadFile(path)
	var job flipJob
	if err := errors.Join(err, json.Unmarshal(raw, &job)); err != nil {
		panic(err)
	}
	out := bufio.NewWriter(os.Stdout)
	for n := job.First; n < job.Past; n++ {
		fmt.Fprintln(out, "try", n)
		out.Flush()
		fmt.Fprintln(out, job.flip(n))
		out.Flush()
	}
}

func (j flipJob) flip(n int) string {
	dir := filepath.Join(j.Dir, "flipped")
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(os.RemoveAll(dir))
	must(os.Mkdir(dir, 0o700))
	for _, name := range []string{"host.key", "epoch", "keywicket.db"} {
		raw, err := os.ReadFile(filepath.Join(j.Dir, "whole", name))
		must(err)
		if name == "keywicket.db" {
			bit := j.bit(n, len(raw))
			raw[bit/8] ^= 1 << (bit % 8)
		}
		must(os.WriteFile(filepath.Join(dir, name), raw, 0o600))
	}
	return j.judge(dir)
}

// bit picks the n-th bit to flip. Every fourth is among the first of a page,
// where structure is dense, and every sixteenth among the two meta pages'.
func (j flipJob) bit(n, size int) int {
	random := rand.New(rand.NewPCG(j.Seed, uint64(n)))
	switch {
	case n%16 == 0:
		return 8*page*random.IntN(2) + random.IntN(8*80)
	case n%4 == 0:
		return 8*page*random.IntN(size/page) + random.IntN(8*128)
	}
	return random.IntN(8 * size)
}

// judge opens a file with one flipped bit and says how that ended.
func (j flipJob) judge(dir string) string {
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		if errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrHostKey) || errors.Is(err, store.ErrNewerFormat) {
			return "ended refused"
		}
		return fmt.Sprintf("WRONG opening: %v", err)
	}
	defer s.Close()
	state, ended := "now", "unaffected"
	if s.Restored() {
		state, ended = "before", "noticed as an older state"
	}
	got, err := readEverything(s)
	if err != nil {
		if errors.Is(err, store.ErrCorrupt) && strings.Contains(err.Error(), "record ") {
			return "ended record refused"
		}
		return fmt.Sprintf("WRONG reading: %v", err)
	}
	want, err := json.Marshal(j.States[state])
	have, err2 := json.Marshal(got)
	if err := errors.Join(err, err2); err != nil || !bytes.Equal(want, have) {
		return "WRONG values"
	}
	// What it does not know to be damaged it must be able to go on with.
	if err := s.Update(func(tx *store.Tx) error { return apps.Put(tx, "new", record{"new", 1}) }); err != nil {
		return fmt.Sprintf("WRONG writing: %v", err)
	}
	if found, err := s.Check(context.Background()); err != nil || (state == "now" && len(found) > 0) {
		return fmt.Sprintf("WRONG after writing: %v, %v", found, err)
	}
	return "ended " + ended
}
