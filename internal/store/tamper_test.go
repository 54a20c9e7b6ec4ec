package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/keywicket/keywicket/internal/store"
)

var newCollection = regexp.MustCompile(`store\.NewCollection\[[^\]]+\]\("([^"]+)"\)`)

// everyCollection finds the collections that the rest of the gateway keeps, in
// its source: one that is added is tested too.
func everyCollection(t *testing.T) (names []string) {
	t.Helper()
	must(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, found := range newCollection.FindAllSubmatch(raw, -1) {
			names = append(names, string(found[1]))
		}
		return err
	}))
	if len(names) < 10 {
		t.Fatalf("found only the collections %q", names)
	}
	return names
}

// tamperable is a data directory with two records in every collection, and
// what the first of them was before.
type tamperable struct {
	dir string
	old map[string]map[string][]byte // collection, name
}

func newTamperable(t *testing.T, names []string) tamperable {
	t.Helper()
	f := tamperable{dir: t.TempDir(), old: map[string]map[string][]byte{}}
	write := func(count int) {
		s := open(t, f.dir)
		must(t, s.Update(func(tx *store.Tx) error {
			for _, name := range names {
				c := store.NewCollection[record](name)
				if err := errors.Join(c.Put(tx, "a", record{"a", count}), c.Put(tx, "b", record{"b", 1})); err != nil {
					return err
				}
			}
			return nil
		}))
		must(t, s.Close())
	}
	write(1)
	for _, name := range names {
		f.old[name] = rawRecords(t, f.dir, name)
	}
	write(2)
	return f
}

// tampering changes the file as someone could who can write to it and has not
// the host key. victim and other are two collections; old are the victim's
// earlier values.
type tampering func(t *testing.T, victim, other *bolt.Bucket, old map[string][]byte)

func tamperings() map[string]tampering {
	two := func(b *bolt.Bucket) (k1, v1, k2, v2 []byte) {
		c := b.Cursor()
		k1, v1 = c.First()
		k2, v2 = c.Next()
		return bytes.Clone(k1), bytes.Clone(v1), bytes.Clone(k2), bytes.Clone(v2)
	}
	change := func(how func(v []byte) []byte) tampering {
		return func(t *testing.T, victim, _ *bolt.Bucket, _ map[string][]byte) {
			k, v, _, _ := two(victim)
			must(t, victim.Put(k, how(v)))
		}
	}
	return map[string]tampering{
		"moved to another collection": func(t *testing.T, victim, other *bolt.Bucket, _ map[string][]byte) {
			k, v, _, _ := two(victim)
			must(t, errors.Join(victim.Delete(k), other.Put(k, v)))
		},
		"put in another collection's place": func(t *testing.T, victim, other *bolt.Bucket, _ map[string][]byte) {
			_, v, _, _ := two(victim)
			k, _, _, _ := two(other)
			must(t, other.Put(k, v))
		},
		"moved to another name": func(t *testing.T, victim, _ *bolt.Bucket, _ map[string][]byte) {
			k, v, _, _ := two(victim)
			must(t, errors.Join(victim.Delete(k), victim.Put(bytes.Repeat([]byte{9}, 32), v)))
		},
		"copied to another name": func(t *testing.T, victim, _ *bolt.Bucket, _ map[string][]byte) {
			_, v, _, _ := two(victim)
			must(t, victim.Put(bytes.Repeat([]byte{9}, 32), v))
		},
		"swapped": func(t *testing.T, victim, _ *bolt.Bucket, _ map[string][]byte) {
			k1, v1, k2, v2 := two(victim)
			must(t, errors.Join(victim.Put(k1, v2), victim.Put(k2, v1)))
		},
		"swapped, versions and all but what is sealed left": func(t *testing.T, victim, _ *bolt.Bucket, _ map[string][]byte) {
			k1, v1, k2, v2 := two(victim)
			must(t, errors.Join(victim.Put(k1, append(v1[:12:12], v2[12:]...)), victim.Put(k2, append(v2[:12:12], v1[12:]...))))
		},
		"an old value put back": func(t *testing.T, victim, _ *bolt.Bucket, old map[string][]byte) {
			k, _, _, _ := two(victim)
			must(t, victim.Put(k, old[string(k)]))
		},
		"an old value under the new version": func(t *testing.T, victim, _ *bolt.Bucket, old map[string][]byte) {
			k, v, _, _ := two(victim)
			must(t, victim.Put(k, append(v[:8:8], old[string(k)][8:]...)))
		},
		"all old values put back": func(t *testing.T, victim, _ *bolt.Bucket, old map[string][]byte) {
			for k, v := range old {
				must(t, victim.Put([]byte(k), v))
			}
		},
		"removed": func(t *testing.T, victim, _ *bolt.Bucket, _ map[string][]byte) {
			k, _, _, _ := two(victim)
			must(t, victim.Delete(k))
		},
		"emptied":             change(func([]byte) []byte { return []byte{} }),
		"cut in the version":  change(func(v []byte) []byte { return v[:5] }),
		"cut to the version":  change(func(v []byte) []byte { return v[:12] }),
		"cut in the middle":   change(func(v []byte) []byte { return v[:len(v)/2] }),
		"cut by one":          change(func(v []byte) []byte { return v[:len(v)-1] }),
		"one byte more":       change(func(v []byte) []byte { return append(v, 0) }),
		"another version":     change(func(v []byte) []byte { binary.BigEndian.PutUint64(v, binary.BigEndian.Uint64(v)+1); return v }),
		"another generation":  change(func(v []byte) []byte { v[11] = 2; return v }),
		"one bit of the seal": change(func(v []byte) []byte { v[len(v)-1] ^= 1; return v }),
	}
}

func TestTamperingWithEveryCollection(t *testing.T) {
	t.Parallel()
	names := everyCollection(t)
	whole := newTamperable(t, names)
	for i, name := range names {
		other := names[(i+1)%len(names)]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, tamper := range tamperings() {
				dir := filepath.Join(t.TempDir(), "data")
				copyDir(t, whole.dir, dir)
				edit(t, dir, func(tx *bolt.Tx) {
					tamper(t, tx.Bucket([]byte(name)), tx.Bucket([]byte(other)), whole.old[name])
				})
				if err := readAll(dir, name, other); !errors.Is(err, store.ErrCorrupt) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// readAll opens a store and reads two collections, and no more than that.
func readAll(dir string, names ...string) error {
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.View(func(tx *store.Tx) error {
		var errs []error
		for _, name := range names {
			_, err := store.NewCollection[record](name).All(tx)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}
