package dpop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func (m *memory) read() string {
	m.t.Helper()
	data, err := os.ReadFile(m.path())
	if err != nil {
		m.t.Fatal(err)
	}
	return string(data)
}

func (m *memory) write(text string) {
	m.t.Helper()
	if err := os.WriteFile(m.path(), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func TestJournalIsPrivateAndSmall(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	before := len(m.read())
	for n := range 1000 {
		m.at(100 + float64(n)/250)
		m.want(nil, fmt.Sprint(n), 100)
	}
	if lines := strings.Count(m.read()[before:], "\n"); lines != 4 {
		t.Errorf("a thousand proofs in four seconds took %d lines, want 4", lines)
	}
	info, err := os.Stat(m.path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("journal has mode %v (%v), want 0600", info.Mode(), err)
	}
	if strings.Contains(m.read(), testThumbprint) {
		t.Error("journal names a key")
	}
}

// TestTornLine cuts the journal at every byte, as a crash in the middle of a write would: the line that is cut had not
// been accepted, and all others hold.
func TestTornLine(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.at(100)
	m.want(nil, "a", 110)
	whole := m.read()
	m.want(nil, "b", 111)
	both := m.read()
	for end := len(whole); end < len(both); end++ {
		m.write(both[:end])
		m.at(101)
		m.reopen()
		m.want(ErrReplayed, "a", 110)
		m.want(nil, fmt.Sprint("new ", end), 101) // no pause
	}
}

// TestDamagedJournal: whatever may have been lost cannot pass, and the gateway works again by itself.
func TestDamagedJournal(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.at(100)
	m.want(nil, "a", 110)
	m.want(nil, "b", 115)
	good := m.read()
	lines := strings.SplitAfter(good, "\n")
	for name, text := range map[string]string{
		"empty":            "",
		"header only torn": journalHeader[:5],
		"another version":  strings.Replace(good, "journal 1", "journal 2", 1),
		"flipped digit":    strings.Replace(good, "p 1800000110", "p 1800000111", 1),
		"line lost its end": lines[0] + lines[1] + strings.TrimSuffix(lines[2], "\n") +
			strings.Join(lines[3:], ""),
		"zeros at the end":  good[:len(good)-20] + strings.Repeat("\x00", 4096),
		"zeros throughout":  strings.Repeat("\x00", 1<<20),
		"long line":         good + strings.Repeat("x", 1<<17) + "\n",
		"long tail":         good + strings.Repeat("x", 1000),
		"negative date":     good + "m -1 00000000\n",
		"long digest":       good + sealed("p 1800000110 "+strings.Repeat("A", 200)),
		"unknown line":      good + sealed("q 1"),
		"too many fields":   good + sealed("m 1 2 3"),
		"another encoding":  good + sealed("p 1800000110 "+strings.Repeat("=", 43)),
		"date out of range": good + sealed("m 99999999999999"),
	} {
		m.write(text)
		m.at(101)
		m.reopen()
		m.want(ErrReplayed, name+" a", 110)
		m.want(ErrReplayed, "b", 115)
		m.want(ErrReplayed, name, 116) // 101 + MaxAhead: nothing dated later can have been accepted
		m.at(131)
		m.want(nil, name, 131)
		if t.Failed() {
			t.Fatalf("after %s", name)
		}
	}
}

func sealed(body string) string { return body + " " + string(appendSum(nil, []byte(body))) + "\n" }

func TestJournalTooLongForMemory(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.at(100)
	for n := range 20 {
		m.want(nil, fmt.Sprint(n), 110)
	}
	m.max = 10 // the owner has chosen less
	m.at(101)
	m.reopen()
	for n := range 20 {
		m.want(ErrReplayed, fmt.Sprint(n), 110)
	}
	m.want(ErrReplayed, "any", 116)
	m.at(131)
	m.want(nil, "any", 131)
}

func TestJournalNotWritable(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.at(100)
	m.want(nil, "a", 100)
	broken, err := os.Open(m.path()) // cannot be written
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	working := m.journal.file
	m.journal.file = broken
	m.want(nil, "b", 99) // needs no line
	m.want(ErrReplayFull, "c", 101)
	m.at(101)
	m.want(ErrReplayFull, "d", 100)
	if n := m.Len(); n != 2 {
		t.Errorf("%d proofs are remembered, want 2", n)
	}
	m.journal.file = working // there is room again
	m.want(nil, "c", 101)
	m.want(nil, "d", 100)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	m.want(ErrReplayFull, "e", 101)
	if err := m.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	m.reopen()
	m.want(ErrReplayed, "c", 101)
	m.want(ErrReplayed, "d", 100)
}

// TestHalfALine: a write that a full disk has cut short leaves nothing that spoils the next line.
func TestHalfALine(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	m.at(100)
	m.want(nil, "a", 110)
	if _, err := m.journal.file.WriteAt([]byte("p 18000001"), m.journal.size); err != nil {
		t.Fatal(err)
	}
	m.want(nil, "b", 111)
	m.at(101)
	m.reopen()
	m.want(ErrReplayed, "a", 110)
	m.want(ErrReplayed, "b", 111)
	m.want(nil, "c", 101)
}

// TestJournalStaysSmall: an app whose clock is ahead writes a line with each proof.
func TestJournalStaysSmall(t *testing.T) {
	t.Parallel()
	m := openMemory(t)
	const proofs = 60_000 // more than twice what fits below the limit
	for n := range proofs {
		at := 100 + float64(n)/3000
		m.at(at)
		if err := m.see(fmt.Sprint(n), at+10); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(m.path())
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 4*minJournalLimit {
		t.Errorf("journal has grown to %d bytes", info.Size())
	}
	m.reopen()
	for n := proofs - 30_000; n < proofs; n++ {
		if err := m.see(fmt.Sprint(n), 110+float64(n)/3000); !errors.Is(err, ErrReplayed) {
			t.Fatalf("proof %d after a restart: %v, want ErrReplayed", n, err)
		}
	}
}

// TestJournalIsNotWrittenThroughALink plants a link where the journal is made
// out afresh; what it points to stays as it was.
func TestJournalIsNotWrittenThroughALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, filepath.Join(dir, "replay.journal.next")); err != nil {
		t.Fatal(err)
	}
	replay, err := OpenReplay(ReplayConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer replay.Close()
	if got, err := os.ReadFile(precious); err != nil || string(got) != "kept" {
		t.Errorf("the file behind the link now holds %q, %v", got, err)
	}
}
