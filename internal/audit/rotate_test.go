package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// inFiles is a log whose files hold few lines each, with n lines in it.
func inFiles(t *testing.T, dir string, n int) *Log {
	t.Helper()
	cfg := testConfig(dir)
	cfg.MaxBytes = 600
	l := openConfig(t, cfg)
	write(t, l, 1, n)
	return l
}

func numbers(t *testing.T, dir string) []int {
	t.Helper()
	n, err := finished(dir)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRotationBySize(t *testing.T) {
	t.Parallel()
	const total = 100
	dir := t.TempDir()
	l := inFiles(t, dir, total)
	done := numbers(t, dir)
	if len(done) < 10 || done[0] != 1 || done[len(done)-1] != len(done) {
		t.Fatalf("finished files: %v", done)
	}
	for _, n := range done {
		info, err := os.Stat(filepath.Join(dir, segmentName(n)))
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() < 600 || info.Size() > 1200 {
			t.Errorf("file %d: %v, %v", n, info, err)
		}
	}
	report, err := l.Verify()
	if err != nil || report.Lines != total || report.Files != len(done)+1 {
		t.Errorf("Verify: %+v, %v", report, err)
	}
	for _, n := range []int{1, 5, 37, total, total + 1} {
		got := tail(t, l, n)
		if len(got) != min(n, total) {
			t.Fatalf("Tail(%d) gave %d events", n, len(got))
		}
		for i, e := range got {
			if want := int64(total - len(got) + i + 1); e.Seq != want {
				t.Fatalf("Tail(%d): event %d is number %d, want %d", n, i, e.Seq, want)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	write(t, again, total+1, total+2)
	verified(t, again, total+2)
}

func TestRotationByAge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, now := testConfig(dir), testTime
	cfg.Clock = func() time.Time { return now }
	cfg.MaxAge = time.Hour
	l := openConfig(t, cfg)
	write(t, l, 1, 2)
	now = now.Add(59 * time.Minute)
	write(t, l, 3, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	l = openConfig(t, cfg) // it knows the age of the file from the file
	if len(numbers(t, dir)) != 0 {
		t.Error("finished without a line to write")
	}
	write(t, l, 4, 5)
	now = now.Add(-48 * time.Hour) // a clock set back
	write(t, l, 6, 6)
	if got := numbers(t, dir); len(got) != 1 {
		t.Errorf("finished files: %v, want one", got)
	}
	verified(t, l, 6)
}

func TestVerifyNamesTheFile(t *testing.T) {
	t.Parallel()
	second := segmentName(2)
	rows := []struct {
		name   string
		damage func(t *testing.T, dir string)
		file   string
		line   int
		reason string
	}{
		{"changed", func(t *testing.T, dir string) {
			rewrite(t, dir, second, func(l [][]byte) [][]byte { l[1] = bytes.Replace(l[1], []byte("req_"), []byte("rep_"), 1); return l })
		}, second, 2, "changed"},
		{"removed", func(t *testing.T, dir string) {
			rewrite(t, dir, second, func(l [][]byte) [][]byte { return append(l[:1], l[2:]...) })
		}, second, 2, "should: removed"},
		{"end removed", func(t *testing.T, dir string) {
			rewrite(t, dir, second, func(l [][]byte) [][]byte { return l[:len(l)-1] })
		}, segmentName(3), 1, "should: removed"},
		{"line added", func(t *testing.T, dir string) {
			rewrite(t, dir, second, func(l [][]byte) [][]byte { return append(l, l[0]) })
		}, second, 4, "repeated"},
		{"torn", func(t *testing.T, dir string) { shorten(t, filepath.Join(dir, second), 1) }, second, 3, "not an audit line"},
		{"emptied", func(t *testing.T, dir string) {
			rewrite(t, dir, second, func([][]byte) [][]byte { return nil })
		}, segmentName(3), 1, "should: removed"},
		{"file removed", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, second)) }, segmentName(3), 1, "should: removed"},
		{"first file removed", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, segmentName(1))) }, second, 1, "numbers 1 to 4 should: removed"},
		{"files swapped", func(t *testing.T, dir string) {
			a, b := filepath.Join(dir, second), filepath.Join(dir, segmentName(3))
			for _, move := range [][2]string{{a, a + ".x"}, {b, a}, {a + ".x", b}} {
				if err := os.Rename(move[0], move[1]); err != nil {
					t.Fatal(err)
				}
			}
		}, second, 1, "removed or moved"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := inFiles(t, dir, 14)
			verified(t, l, 14)
			row.damage(t, dir)
			for _, when := range []string{"while open", "after a restart"} {
				var b *BrokenError
				if _, err := l.Verify(); !errors.As(err, &b) || b.File != row.file || b.Line != row.line || !strings.Contains(b.Reason, row.reason) {
					t.Errorf("%s: %v; want %s line %d … %s", when, err, row.file, row.line, row.reason)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				l = open(t, dir)
			}
		})
	}
}

func rewrite(t *testing.T, dir, name string, change edit) {
	t.Helper()
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(raw, []byte("\n"))
	if err := os.WriteFile(path, bytes.Join(change(lines[:len(lines)-1]), nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Stopped at any step of finishing a file, no line is lost and nothing is
// noted as missing.
func TestRotationStoppedHalfWay(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		fail func(l *Log, d *disk)
		lost bool // Append is refused meanwhile
	}{
		{"renaming fails", func(l *Log, _ *disk) {
			l.rename = func(string, string) error { return syscall.EACCES }
		}, false},
		{"the next file cannot be made", func(_ *Log, d *disk) { d.open = syscall.ENOSPC }, true},
		{"the next file cannot be written", func(_ *Log, d *disk) { d.logWrite = full(0) }, true},
		{"the next file is written in part", func(_ *Log, d *disk) { d.logWrite, d.truncate = full(9), syscall.EIO }, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l, d := onDisk(t, dir)
			write(t, l, 1, 3)
			l.maxBytes = l.size
			row.fail(l, d)
			for range 3 {
				err := l.Append(Event{Kind: RequestEnded, Actor: App, RequestID: "req_x"})
				if row.lost != errors.Is(err, ErrUnavailable) {
					t.Fatalf("Append: %v", err)
				}
				if _, err := l.Verify(); err != nil {
					t.Fatal(err)
				}
			}
			*d, l.rename = disk{}, os.Rename
			write(t, l, 4, 5)
			if _, err := l.Verify(); err != nil {
				t.Fatal(err)
			}
			for _, e := range tail(t, l, 100) {
				if strings.Contains(e.Detail, "missing") {
					t.Errorf("noted %q", e.Detail)
				}
			}
			if got := tail(t, l, 100); len(got) < 5 || got[len(got)-1].RequestID != "req_5" {
				t.Errorf("the log ends in %+v", got)
			}
			if len(numbers(t, dir)) == 0 {
				t.Error("never finished a file")
			}
		})
	}
	t.Run("killed after renaming", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		l := open(t, dir)
		write(t, l, 1, 3)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, logFile), filepath.Join(dir, segmentName(1))); err != nil {
			t.Fatal(err)
		}
		again := open(t, dir)
		write(t, again, 4, 5)
		verified(t, again, 5)
	})
}

func TestEndOfAFinishedFileIsMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := inFiles(t, dir, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, logFile), filepath.Join(dir, segmentName(1))); err != nil {
		t.Fatal(err)
	}
	shorten(t, filepath.Join(dir, segmentName(1)), 20)
	remove(t, filepath.Join(dir, headFile))
	again := open(t, dir)
	last := tail(t, again, 1)[0]
	if last.Kind != AuditRecovered || last.Seq != 3 || !strings.Contains(last.Detail, "the last line is not an audit line") {
		t.Errorf("noted %+v", last)
	}
	if _, err := again.Verify(); err == nil {
		t.Error("verified")
	}
}

func TestOtherFilesAreNotTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"audit-1.jsonl", "audit-000000.jsonl", "audit--00001.jsonl", "audit-000001.jsonl.gz", "audit-+00001.jsonl", "audit-00000x.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("junk\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := numbers(t, dir); len(got) != 0 {
		t.Errorf("took %v for finished files", got)
	}
	if err := os.WriteFile(filepath.Join(dir, segmentName(1234567)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, dir); len(got) != 1 || got[0] != 1234567 {
		t.Errorf("finished files: %v", got)
	}
}

func TestFollowAcrossFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := inFiles(t, dir, 10)
		var got []string
		goOn := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- l.Follow(t.Context(), func(e Event) error {
				got = append(got, e.RequestID)
				if e.RequestID == "req_11" {
					<-goOn // many files are finished meanwhile
				}
				return nil
			})
		}()
		synctest.Wait()
		write(t, l, 11, 11)
		synctest.Wait()
		write(t, l, 12, 60)
		close(goOn)
		synctest.Wait()
		for i := 61; i <= 100; i++ {
			write(t, l, i, i)
			synctest.Wait()
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("Follow ended with %v", err)
		}
		if len(got) != 90 {
			t.Fatalf("followed %d events, want 90: %v", len(got), got)
		}
		for i, id := range got {
			if id != fmt.Sprint("req_", 11+i) {
				t.Fatalf("event %d is %s", i, id)
			}
		}
	})
}
