package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keywicket/keywicket/internal/store"
)

// load writes from several goroutines until told to stop, and remembers what
// was acknowledged.
type load struct {
	s      *store.Store
	stop   atomic.Bool
	failed atomic.Int64
	writes atomic.Int64
	width  atomic.Int64 // how many records each goroutine keeps
	wg     sync.WaitGroup
	acked  [4]map[string]int
}

func startLoad(t *testing.T, s *store.Store) *load {
	l := &load{s: s}
	l.width.Store(40)
	t.Cleanup(func() { l.stop.Store(true); l.wg.Wait() })
	for w := range l.acked {
		l.acked[w] = map[string]int{}
		l.wg.Go(func() { l.work(t, w) })
	}
	return l
}

func (l *load) work(t *testing.T, w int) {
	padding := strings.Repeat("x", 3000)
	for n := 1; !l.stop.Load(); n++ {
		key := fmt.Sprintf("%d-%d", w, int64(n)%l.width.Load())
		err := l.s.Batch(func(tx *store.Tx) error { return apps.Put(tx, key, record{padding, n}) })
		got, readErr := get(l.s, apps, key)
		switch {
		case readErr != nil && !errors.Is(readErr, store.ErrNotFound):
			t.Errorf("reading while writes fail: %v", readErr)
		case err == nil && got.Count != n:
			t.Errorf("acknowledged %d and read %d", n, got.Count)
		}
		if err != nil {
			l.failed.Add(1)
			continue
		}
		l.acked[w][key] = n
		l.writes.Add(1)
	}
}

// until waits for n more of a count.
func until(t *testing.T, count *atomic.Int64, n int64) {
	t.Helper()
	for want, turns := count.Load()+n, 0; count.Load() < want; turns++ {
		if turns > 60_000 {
			t.Fatal("it does not go on")
		}
		unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
	}
}

func (l *load) finish(t *testing.T, dir string) {
	t.Helper()
	l.stop.Store(true)
	l.wg.Wait()
	must(t, l.s.Close())
	s := open(t, dir)
	if s.Restored() {
		t.Error("it looks like an old database")
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("check: %v, %v", found, err)
	}
	for w := range l.acked {
		for key, n := range l.acked[w] {
			if got, err := get(s, apps, key); err != nil || got.Count < n {
				t.Errorf("%s: acknowledged %d, found %d, %v", key, n, got.Count, err)
			}
		}
	}
	must(t, s.Close())
}

// TestDiskFull fills a small file system in the middle of load, several times
// over, and makes room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fill := smallDisk(t, dir)
	s := open(t, dir)
	l := startLoad(t, s)
	until(t, &l.writes, 20)
	for range 5 {
		free := fill(t)
		l.width.Add(60) // what was there already needs no more room
		until(t, &l.failed, 20)
		free()
		until(t, &l.writes, 50) // it resumes by itself
	}
	l.finish(t, dir)
}

// smallDisk mounts a small file system on dir and returns what fills it.
// Without the right to mount, it is a limit on what the process may write.
func smallDisk(t *testing.T, dir string) (fill func(t *testing.T) (free func())) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16m,mode=0700"); err != nil {
		t.Logf("no right to mount (%v): writes are made to fail instead", err)
		return func(t *testing.T) func() { return readOnly(t, filepath.Join(dir, "keywicket.db")) }
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return func(t *testing.T) func() {
		path := filepath.Join(dir, "filler")
		f, err := os.Create(path)
		must(t, err)
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		must(t, f.Close())
		return func() { must(t, os.Remove(path)) }
	}
}

// TestFileSystemTurnsReadOnly makes every write to the database fail in the
// middle of load, as after an error of the disk.
func TestFileSystemTurnsReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	l := startLoad(t, s)
	for range 3 {
		until(t, &l.writes, 20)
		writable := readOnly(t, filepath.Join(dir, "keywicket.db"))
		until(t, &l.failed, 20)
		writable()
	}
	until(t, &l.writes, 20)
	l.finish(t, dir)
}

// readOnly puts a descriptor that cannot be written to in the place of every
// one this process has open on path.
func readOnly(t *testing.T, path string) (writable func()) {
	t.Helper()
	want, err := os.Stat(path)
	must(t, err)
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	var open []int
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		must(t, err)
		if got, err := os.Stat(filepath.Join("/proc/self/fd", entry.Name())); err == nil && os.SameFile(want, got) {
			open = append(open, fd)
		}
	}
	var back []func()
	for _, fd := range open { // known before further ones come into being
		saved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		must(t, err)
		blind, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		must(t, err)
		must(t, unix.Dup3(blind, fd, unix.O_CLOEXEC))
		must(t, unix.Close(blind))
		back = append(back, func() {
			must(t, unix.Dup3(saved, fd, unix.O_CLOEXEC))
			must(t, unix.Close(saved))
		})
	}
	if len(back) == 0 {
		t.Fatal("the file is not open")
	}
	return func() {
		for _, f := range back {
			f()
		}
	}
}

// TestEpochCannotBeWritten: at most one write is made that the epoch does not
// know of.
func TestEpochCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var failing atomic.Bool
	s, err := store.OpenWith(store.Config{Dir: dir}, func(_, path string) error {
		if failing.Load() && filepath.Base(path) == "epoch" {
			return unix.EROFS
		}
		return nil
	})
	must(t, err)
	put(t, s, apps, "a", record{"x", 1})
	failing.Store(true)
	put(t, s, apps, "a", record{"x", 2})
	for range 3 {
		if err := s.Update(func(tx *store.Tx) error { return apps.Put(tx, "a", record{"x", 3}) }); !errors.Is(err, unix.EROFS) {
			t.Fatalf("got %v", err)
		}
	}
	if got, err := get(s, apps, "a"); err != nil || got.Count != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) != 1 || !strings.Contains(found[0].Problem, "epoch") {
		t.Errorf("found %v, %v", found, err)
	}
	failing.Store(false)
	put(t, s, apps, "a", record{"x", 3})
	must(t, s.Close())
	if open(t, dir).Restored() {
		t.Error("it looks like an old database")
	}
}
