package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// edit changes the lines of a log of five, from outside.
type edit func(lines [][]byte) [][]byte

func TestVerifyNamesTheLine(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		edit   edit
		line   int
		reason string
	}{
		{"changed", func(l [][]byte) [][]byte {
			l[2] = bytes.Replace(l[2], []byte("req_3"), []byte("req_9"), 1)
			return l
		}, 3, "changed"},
		{"first changed", func(l [][]byte) [][]byte {
			l[0] = bytes.Replace(l[0], []byte("req_1"), []byte("req_9"), 1)
			return l
		}, 1, "changed"},
		{"MAC changed", func(l [][]byte) [][]byte {
			i := len(l[1]) - 10
			l[1][i] ^= 1
			return l
		}, 2, "changed"},
		{"white space added", func(l [][]byte) [][]byte {
			l[1] = bytes.Replace(l[1], []byte(`,"kind"`), []byte(`, "kind"`), 1)
			return l
		}, 2, "changed"},
		{"member added after the MAC", func(l [][]byte) [][]byte {
			l[1] = bytes.Replace(l[1], []byte("\"}\n"), []byte("\",\"x\":1}\n"), 1)
			return l
		}, 2, "not an audit line"},
		{"garbled", func(l [][]byte) [][]byte { l[3] = []byte("garbage\n"); return l }, 4, "not an audit line"},
		{"blanked", func(l [][]byte) [][]byte { l[3] = []byte("\n"); return l }, 4, "not an audit line"},
		{"overlong", func(l [][]byte) [][]byte {
			l[3] = append(bytes.Repeat([]byte("x"), 3*maxLine), '\n')
			return l
		}, 4, "not an audit line"},
		{"removed", func(l [][]byte) [][]byte { return append(l[:2], l[3:]...) }, 3, "number 3 should: removed"},
		{"two removed", func(l [][]byte) [][]byte { return append(l[:1], l[3:]...) }, 2, "numbers 2 to 3 should: removed"},
		{"first removed", func(l [][]byte) [][]byte { return l[1:] }, 1, "number 1 should: removed"},
		{"last removed", func(l [][]byte) [][]byte { return l[:4] }, 5, "number 5 should be: removed"},
		{"tail removed", func(l [][]byte) [][]byte { return l[:2] }, 3, "numbers 3 to 5 should be: removed"},
		{"all removed", func([][]byte) [][]byte { return nil }, 1, "numbers 1 to 5 should be: removed"},
		{"reordered", func(l [][]byte) [][]byte { l[1], l[2] = l[2], l[1]; return l }, 2, "moved"},
		{"last reordered", func(l [][]byte) [][]byte { l[3], l[4] = l[4], l[3]; return l }, 4, "moved"},
		{"copy inserted", func(l [][]byte) [][]byte {
			return append(append(append([][]byte{}, l[:3]...), l[1]), l[3:]...)
		}, 4, "repeated"},
		{"line inserted", func(l [][]byte) [][]byte {
			return append(append(append([][]byte{}, l[:3]...), []byte("{}\n")), l[3:]...)
		}, 4, "not an audit line"},
		{"line added", func(l [][]byte) [][]byte { return append(l, []byte("{}\n")) }, 6, "not written by the gateway"},
		{"old line added", func(l [][]byte) [][]byte { return append(l, l[4]) }, 6, "not written by the gateway"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := open(t, dir)
			write(t, l, 1, 5)
			verified(t, l, 5)
			alter(t, dir, row.edit)
			broken(t, l, row.line, row.reason)
		})
	}
}

// After a restart nothing in memory helps: only the file and the head.
func TestVerifyAfterRestart(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		edit   edit
		line   int
		reason string
	}{
		{"changed", func(l [][]byte) [][]byte {
			l[2] = bytes.Replace(l[2], []byte("req_3"), []byte("req_9"), 1)
			return l
		}, 3, "changed"},
		{"last changed", func(l [][]byte) [][]byte {
			l[4] = bytes.Replace(l[4], []byte("req_5"), []byte("req_9"), 1)
			return l
		}, 5, "changed"},
		{"last removed", func(l [][]byte) [][]byte { return l[:4] }, 5, "number 5 should: removed"},
		{"tail removed", func(l [][]byte) [][]byte { return l[:2] }, 3, "numbers 3 to 5 should: removed"},
		{"all removed", func([][]byte) [][]byte { return nil }, 1, "numbers 1 to 5 should: removed"},
		{"line added", func(l [][]byte) [][]byte { return append(l, []byte("{}\n")) }, 6, "not an audit line"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := open(t, dir)
			write(t, l, 1, 5)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			alter(t, dir, row.edit)
			again := open(t, dir)
			broken(t, again, row.line, row.reason)
			write(t, again, 6, 7) // the log stays usable, and the break stays visible
			broken(t, again, row.line, row.reason)
		})
	}
}

func TestVerifyReportsEachBreak(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	write(t, l, 1, 9)
	alter(t, dir, func(lines [][]byte) [][]byte {
		lines[1] = bytes.Replace(lines[1], []byte("req_2"), []byte("req_0"), 1)
		lines[4] = []byte("garbage\n")
		return append(lines[:6], lines[7:]...)
	})
	report, err := l.Verify()
	if err == nil {
		t.Fatal("verified")
	}
	var at []int
	for _, b := range report.Breaks {
		at = append(at, b.Line)
	}
	if len(at) != 3 || at[0] != 2 || at[1] != 5 || at[2] != 7 {
		t.Errorf("breaks at lines %v, want 2, 5, 7", at)
	}
}

func TestTailShowsAnAlteredLineAsUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	write(t, l, 1, 3)
	alter(t, dir, func(lines [][]byte) [][]byte {
		lines[1] = bytes.Replace(lines[1], []byte("req_2"), []byte("req_0"), 1)
		return lines
	})
	got := tail(t, l, 3)
	if len(got) != 3 || got[1].Kind != AuditUnreadable || got[1].RequestID != "" || got[2].RequestID != "req_3" {
		t.Errorf("tail: %+v", got)
	}
}

func alter(t *testing.T, dir string, change edit) {
	t.Helper()
	path := filepath.Join(dir, logFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(raw, []byte("\n"))
	if err := os.WriteFile(path, bytes.Join(change(lines[:len(lines)-1]), nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

func broken(t *testing.T, l *Log, line int, reason string) {
	t.Helper()
	var broken *BrokenError
	if _, err := l.Verify(); !errors.As(err, &broken) {
		t.Fatalf("Verify: %v, want a break at line %d", err, line)
	}
	if broken.Line != line || !strings.Contains(broken.Reason, reason) {
		t.Fatalf("%v; want line %d … %s", broken, line, reason)
	}
}

// Lines of another history under the same key, as an old copy of the data
// directory would write them, have good numbers and MACs of their own.
func TestVerifyTellsHistoriesApart(t *testing.T) {
	t.Parallel()
	dir, fork := t.TempDir(), t.TempDir()
	l, other := open(t, dir), open(t, fork)
	write(t, l, 1, 5)
	write(t, other, 1, 2)
	for range 3 {
		if err := other.Append(Event{Kind: RequestEnded, Actor: App, RequestID: "req_x"}); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(fork, logFile))
	if err != nil {
		t.Fatal(err)
	}
	alter(t, dir, func(lines [][]byte) [][]byte {
		lines[3] = bytes.SplitAfter(raw, []byte("\n"))[3]
		return lines
	})
	broken(t, l, 4, "does not follow from the line before it")
	alter(t, dir, func([][]byte) [][]byte { return [][]byte{raw} })
	broken(t, l, 6, "not the last that was written")
}
