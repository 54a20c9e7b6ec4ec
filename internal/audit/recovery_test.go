package audit

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRecovery(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		damage func(t *testing.T, logPath, headPath string)
		detail string // of the audit.recovered line; "" when none is due
		whole  bool   // the chain verifies afterwards
	}{
		{"clean", func(*testing.T, string, string) {}, "", true},
		{"torn line", func(t *testing.T, log, _ string) { extend(t, log, `{"seq":4,"ti`) }, "cut a half-written line of 12 bytes", true},
		{"torn zeros", func(t *testing.T, log, _ string) {
			extend(t, log, strings.Repeat("\x00", 3*block))
		}, "cut a half-written line of 196608 bytes", true},
		{"torn only by its newline", func(t *testing.T, log, _ string) { shorten(t, log, 1) }, "line", false},
		{"acknowledged line torn", func(t *testing.T, log, _ string) { shorten(t, log, 20) }, "lines 3 to 3 are missing; cut", false},
		{"head one behind", func(t *testing.T, _, head string) { putHead(t, head, 2) }, "", true},
		{"head missing", func(t *testing.T, _, head string) { remove(t, head) }, "audit.head was missing or altered", true},
		{"head altered", func(t *testing.T, _, head string) { shorten(t, head, 3) }, "audit.head was missing or altered", true},
		{"log missing", func(t *testing.T, log, _ string) { remove(t, log) }, "lines 1 to 3 are missing", false},
		{"last line altered and head missing", func(t *testing.T, log, head string) {
			remove(t, head)
			extend(t, log, "garbage\n")
		}, "the last line is not an audit line; audit.head was missing", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := open(t, dir)
			write(t, l, 1, 3)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			row.damage(t, filepath.Join(dir, logFile), filepath.Join(dir, headFile))

			again := open(t, dir)
			last := tail(t, again, 1)[0]
			if noted := last.Kind == AuditRecovered; noted != (row.detail != "") || !strings.Contains(last.Detail, row.detail) {
				t.Errorf("last line is %s %q, want detail %q", last.Kind, last.Detail, row.detail)
			}
			write(t, again, 4, 4)
			if _, err := again.Verify(); (err == nil) != row.whole {
				t.Errorf("Verify: %v, want whole: %v", err, row.whole)
			}
			third := open(t, dir) // recovered once, not each time
			if got := tail(t, third, 1)[0]; got.RequestID != "req_4" {
				t.Errorf("the next start noted %q", got.Detail)
			}
		})
	}
}

func TestFileMovedAwayWhileOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	write(t, l, 1, 3)
	path := filepath.Join(dir, logFile)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	write(t, l, 4, 4)
	got := tail(t, l, 10)
	if len(got) != 2 || got[0].Kind != AuditRecovered || got[1].RequestID != "req_4" {
		t.Errorf("new file holds %+v", got)
	}
	broken(t, l, 1, "numbers 1 to 3")
}

func TestFileChangedWhileOpen(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		change func(t *testing.T, path string)
		detail string
		whole  bool
	}{
		{"half a line added", func(t *testing.T, path string) { extend(t, path, "junk") }, "cut a half-written line of 4 bytes", true},
		{"a line added", func(t *testing.T, path string) { extend(t, path, "junk\n") }, "the last line is not an audit line", false},
		{"end removed", func(t *testing.T, path string) { shorten(t, path, 20) }, "lines 3 to 3 are missing", false},
		{"emptied", func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}, "lines 1 to 3 are missing", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := open(t, dir)
			write(t, l, 1, 3)
			row.change(t, filepath.Join(dir, logFile))
			write(t, l, 4, 4)
			got := tail(t, l, 2)
			if got[0].Kind != AuditRecovered || !strings.Contains(got[0].Detail, row.detail) || got[1].RequestID != "req_4" {
				t.Errorf("log ends in %+v, want a note of %q and req_4", got, row.detail)
			}
			if _, err := l.Verify(); (err == nil) != row.whole {
				t.Errorf("Verify: %v, want whole: %v", err, row.whole)
			}
		})
	}
}

func TestOldCopiesPutBackWhileOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	write(t, l, 1, 2)
	old := map[string][]byte{}
	for _, name := range []string{logFile, headFile} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		old[name] = raw
	}
	write(t, l, 3, 4)
	for name, raw := range old {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broken(t, l, 3, "numbers 3 to 4 should be")
	write(t, l, 5, 5)
	broken(t, l, 3, "numbers 3 to 4 should")
}

// disk is a directory's file system that fails on command.
type disk struct {
	logWrite  func(p []byte) (n int, err error) // instead of the log's Write; nil: works
	truncate  error
	headWrite error
	open      error
}

type diskFile struct {
	file
	disk *disk
	log  bool
}

func (f diskFile) Write(p []byte) (int, error) {
	if f.disk.logWrite == nil {
		return f.file.Write(p)
	}
	n, err := f.disk.logWrite(p)
	if n > 0 {
		if m, err := f.file.Write(p[:n]); err != nil {
			return m, err
		}
	}
	return n, err
}

func (f diskFile) Truncate(size int64) error {
	if f.disk.truncate != nil {
		return f.disk.truncate
	}
	return f.file.Truncate(size)
}

func (f diskFile) WriteAt(p []byte, off int64) (int, error) {
	if f.disk.headWrite != nil {
		return 0, f.disk.headWrite
	}
	return f.file.WriteAt(p, off)
}

func onDisk(t *testing.T, dir string) (*Log, *disk) {
	t.Helper()
	d := &disk{}
	l, err := newLog(testConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	l.openFile = func(path string, flag int) (file, error) {
		if d.open != nil {
			return nil, d.open
		}
		f, err := openFile(path, flag)
		return diskFile{file: f, disk: d, log: flag != 0}, err
	}
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, d
}

func full(n int) func([]byte) (int, error) {
	return func([]byte) (int, error) { return n, syscall.ENOSPC }
}

func TestUnavailableAndBack(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		fail  func(*disk)
		lines int // verified in the end: 3 before, 2 after, and notes
	}{
		{"disk full", func(d *disk) { d.logWrite = full(0) }, 5},
		{"disk full half-way", func(d *disk) { d.logWrite = full(30) }, 5},
		{"short write without error", func(d *disk) { d.logWrite = func([]byte) (int, error) { return 7, nil } }, 5},
		{"disk full, and cutting fails", func(d *disk) { d.logWrite, d.truncate = full(30), syscall.EIO }, 6},
		{"and opening fails", func(d *disk) { d.logWrite, d.truncate, d.open = full(30), syscall.EIO, syscall.EROFS }, 6},
		{"file closed below us", func(d *disk) { d.logWrite = func([]byte) (int, error) { return 0, os.ErrClosed } }, 5},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l, d := onDisk(t, t.TempDir())
			write(t, l, 1, 3)
			row.fail(d)
			for range 3 {
				if err := l.Append(Event{Kind: RequestStarted}); !errors.Is(err, ErrUnavailable) {
					t.Fatalf("Append: %v, want ErrUnavailable", err)
				}
			}
			if got := tail(t, l, 10); len(got) != 3 {
				t.Errorf("%d lines readable, want 3", len(got))
			}
			*d = disk{}
			write(t, l, 4, 5)
			verified(t, l, row.lines)
			if got := tail(t, l, 1)[0]; got.RequestID != "req_5" {
				t.Errorf("last line is %+v", got)
			}
		})
	}
}

func TestHeadThatCannotBeWrittenStopsTheNextLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, d := onDisk(t, dir)
	write(t, l, 1, 1)
	d.headWrite = syscall.ENOSPC
	write(t, l, 2, 2) // the line is written; the head lags
	if err := l.Append(Event{Kind: RequestStarted}); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("Append with a lagging head: %v", err)
	}
	verified(t, l, 2)
	d.headWrite = nil
	write(t, l, 3, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	verified(t, open(t, dir), 3)
}

func TestDirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	_, err := New(testConfig(filepath.Join(t.TempDir(), "absent")))
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("New: %v, want ErrUnavailable", err)
	}
}

func extend(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, bytes.NewBufferString(text)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func shorten(t *testing.T, path string, by int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-by); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// putHead writes the head as it was after line seq.
func putHead(t *testing.T, path string, seq int64) {
	t.Helper()
	c := chain{key: testKey}
	at := position{}
	for i := range seq {
		_, next, err := c.encode(nil, &Event{Time: testTime, Kind: RequestEnded, Actor: App, RequestID: "req_" + string(rune('1'+i))}, at)
		if err != nil {
			t.Fatal(err)
		}
		at = next
	}
	if err := os.WriteFile(path, c.encodeHead(nil, at), 0o600); err != nil {
		t.Fatal(err)
	}
}
