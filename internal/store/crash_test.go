package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

const page = 4096

// TestCommitCutAnywhere makes every file that a machine stopped in the middle
// of a commit could leave: some of its pages written, in any order and torn,
// or its last page torn. Each opens as the old or the new state.
func TestCommitCutAnywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, 120)
	before, epochBefore := slurp(t, dir, "keywicket.db"), slurp(t, dir, "epoch")
	must(t, s.Update(func(tx *store.Tx) error {
		for i := 0; i < 120; i += 3 {
			if err := apps.Put(tx, fmt.Sprint(i), record{"changed", i}); err != nil {
				return err
			}
		}
		return grants.Delete(tx, "g")
	}))
	after, epochAfter := slurp(t, dir, "keywicket.db"), slurp(t, dir, "epoch")
	must(t, s.Close())
	data, meta := changedPages(before, after)
	if len(data) < 5 || len(meta) != 1 {
		t.Fatalf("pages %v and %v changed", data, meta)
	}
	apply := func(to []byte, page, from, until int) {
		copy(to[page+from:page+until], after[page+from:])
	}
	try := func(file, epoch []byte, may ...string) {
		t.Helper()
		if got := stateOf(t, dir, file, epoch); got != may[0] && got != may[len(may)-1] {
			t.Fatalf("it is the %s state, not %v", got, may)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		random.Shuffle(len(data), func(i, j int) { data[i], data[j] = data[j], data[i] })
		file := grown(before, after)
		for _, p := range data {
			apply(file, p, 0, 512*random.IntN(8)) // torn
			try(file, epochBefore, "old")
			apply(file, p, 0, page)
		}
		for cut := 0; cut <= 96; cut += 4 {
			torn := bytes.Clone(file)
			apply(torn, meta[0], 0, cut)
			try(torn, epochBefore, "old", "new")
		}
		apply(file, meta[0], 0, page)
		try(file, epochBefore, "new")
		for cut := 0; cut < len(epochAfter); cut += 24 {
			try(file, append(bytes.Clone(epochAfter[:cut]), epochBefore[cut:]...), "new")
		}
		try(file, epochAfter, "new")
	}
}

func changedPages(before, after []byte) (data, meta []int) {
	before = grown(before, after)
	for p := 0; p < len(after); p += page {
		switch {
		case bytes.Equal(before[p:p+page], after[p:p+page]):
		case p < 2*page:
			meta = append(meta, p)
		default:
			data = append(data, p)
		}
	}
	return data, meta
}

func grown(file, to []byte) []byte {
	return append(bytes.Clone(file), make([]byte, max(len(to)-len(file), 0))...)
}

// stateOf opens a file in a directory of its own and says which state it is.
func stateOf(t *testing.T, dir string, file, epoch []byte) string {
	t.Helper()
	killed := t.TempDir()
	must(t, os.WriteFile(filepath.Join(killed, "keywicket.db"), file, 0o600))
	must(t, os.WriteFile(filepath.Join(killed, "epoch"), epoch, 0o600))
	must(t, os.WriteFile(hostKey(killed), slurp(t, dir, "host.key"), 0o600))
	s, err := store.Open(store.Config{Dir: killed})
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	all, err := readEverything(s)
	must(t, err)
	changed := 0
	for i := range 120 {
		if all["apps"][fmt.Sprint(i)].Name == "changed" {
			changed++
		}
	}
	switch {
	case s.Restored():
		return "restored"
	case len(all["apps"]) == 120 && changed == 0 && len(all["grants"]) == 1:
		return "old"
	case len(all["apps"]) == 120 && changed == 40 && len(all["grants"]) == 0:
		return "new"
	}
	return "mixed"
}

func slurp(t *testing.T, dir, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return raw
}
