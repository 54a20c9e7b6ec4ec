package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	testKey  = bytes.Repeat([]byte{7}, keyBytes)
	testTime = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
)

func testConfig(dir string) Config {
	return Config{Dir: dir, Key: testKey, Clock: func() time.Time { return testTime }}
}

func open(t *testing.T, dir string) *Log {
	t.Helper()
	return openConfig(t, testConfig(dir))
}

func openConfig(t *testing.T, cfg Config) *Log {
	t.Helper()
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func write(t *testing.T, l *Log, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := l.Append(Event{Kind: RequestEnded, Actor: App, RequestID: fmt.Sprint("req_", i)}); err != nil {
			t.Fatal(err)
		}
	}
}

func tail(t *testing.T, l *Log, n int) []Event {
	t.Helper()
	events, err := l.Tail(n)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func verified(t *testing.T, l *Log, want int) {
	t.Helper()
	report, err := l.Verify()
	if err != nil || report.Lines != want {
		t.Fatalf("Verify: %d lines, %v; want %d lines", report.Lines, err, want)
	}
}

func TestNewRequires(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"dir":       {Key: testKey},
		"key":       {Dir: t.TempDir()},
		"whole key": {Dir: t.TempDir(), Key: testKey[1:]},
		"a size":    {Dir: t.TempDir(), Key: testKey, MaxBytes: -1},
		"an age":    {Dir: t.TempDir(), Key: testKey, MaxAge: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("opened without %s", name)
		}
	}
}

func TestLinesAreJSONThatScriptsCanRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	want := Event{
		Time: testTime.Add(time.Hour), Kind: RequestEnded, Actor: App, RequestID: "req_1", AppID: "app_1", AppName: "Notes",
		SessionID: "ses_1", PermissionID: "per_1", Resource: "llm:openai", Action: "chat.completions", Model: "gpt-4o",
		Status: 200, LatencyMS: 12, Usage: &Usage{InputTokens: 3, OutputTokens: 4}, Address: "127.0.0.1",
	}
	if err := l.Append(want); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"seq", "time", "kind", "actor", "request_id", "latency_ms", "usage", "prev", "mac"} {
		if _, ok := got[name]; !ok {
			t.Errorf("line has no %q: %s", name, raw)
		}
	}
	if _, ok := got["detail"]; ok || bytes.Count(raw, []byte("\n")) != 1 {
		t.Errorf("line carries an absent member or is not one line: %s", raw)
	}
	for _, name := range []string{"audit.jsonl", "audit.head"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", name, info.Mode(), err)
		}
	}
	want.Seq = 1
	back := tail(t, l, 1)[0]
	if *back.Usage != *want.Usage {
		t.Errorf("usage came back as %+v", back.Usage)
	}
	back.Usage = want.Usage
	if back != want {
		t.Errorf("came back as %+v, want %+v", back, want)
	}
}

func TestModeIsNarrowedAndLinksAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, logFile)
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}

	linked := t.TempDir()
	if err := os.Symlink(path, filepath.Join(linked, logFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := New(testConfig(linked)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("followed a symbolic link: %v", err)
	}
}

func TestChainGoesOnAfterRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	write(t, l, 1, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(Event{Kind: AppRevoked}); !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrClosed) {
		t.Errorf("appending to a closed log: %v", err)
	}
	again := open(t, dir)
	write(t, again, 4, 5)
	verified(t, again, 5)
	if last := tail(t, again, 1)[0]; last.Seq != 5 {
		t.Errorf("last line is number %d", last.Seq)
	}
}

func TestAnotherKeyDoesNotVerify(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, open(t, dir), 1, 2)
	other, err := New(Config{Dir: dir, Key: bytes.Repeat([]byte{8}, keyBytes)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var broken *BrokenError
	if _, err := other.Verify(); !errors.As(err, &broken) || broken.Line != 1 {
		t.Errorf("lines written under another key: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 50
	cfg := testConfig(t.TempDir())
	cfg.MaxBytes = 2000
	l := openConfig(t, cfg)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := l.Append(Event{Kind: RequestStarted, RequestID: fmt.Sprintf("req_%d_%d", w, i)}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			if _, err := l.Verify(); err != nil {
				t.Error(err)
			}
			if _, err := l.Tail(5); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	verified(t, l, writers*each)
	seen := map[string]bool{}
	for i, e := range tail(t, l, writers*each) {
		seen[e.RequestID] = true
		if e.Seq != int64(i+1) {
			t.Fatalf("line %d is number %d", i+1, e.Seq)
		}
	}
	if len(seen) != writers*each {
		t.Errorf("%d different lines of %d", len(seen), writers*each)
	}
}

func TestTextIsBoundedAndHarmless(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, in, want string }{
		{"plain", "Notes", "Notes"},
		{"other scripts", "Заметки 📝", "Заметки 📝"},
		{"escape sequence", "a\x1b[2Jb", "a\uFFFD[2Jb"},
		{"line breaks", "a\r\nb\tc", "a  b c"},
		{"bidirectional override", "a\u202Eb", "a\uFFFDb"},
		{"line separator", "a\u2028b", "a\uFFFDb"},
		{"C1 control", "a\u009bb", "a\uFFFDb"},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
		{"nul", "a\x00b", "a\uFFFDb"},
		{"long", strings.Repeat("a", 300), strings.Repeat("a", 253) + "…"},
		{"long in runes", strings.Repeat("é", 200), strings.Repeat("é", 126) + "…"},
		{"long once replaced", strings.Repeat("\x01", 256), strings.Repeat("\uFFFD", 84) + "…"},
	}
	l := open(t, t.TempDir())
	for _, row := range rows {
		if err := l.Append(Event{Kind: ConsentAsked, AppName: row.in, Detail: strings.Repeat(row.in, 9)}); err != nil {
			t.Fatal(err)
		}
		got := tail(t, l, 1)[0]
		if got.AppName != row.want {
			t.Errorf("%s: %q, want %q", row.name, got.AppName, row.want)
		}
		if len(got.Detail) > maxDetail {
			t.Errorf("%s: detail of %d bytes", row.name, len(got.Detail))
		}
	}
	verified(t, l, len(rows))
}

func TestWorstEventFits(t *testing.T) {
	t.Parallel()
	s := strings.Repeat("<", 2000) // six bytes each in JSON
	l := open(t, t.TempDir())
	e := Event{
		Kind: Kind(s), Actor: Actor(s), RequestID: s, AppID: s, AppName: s, SessionID: s, PermissionID: s, Resource: s,
		Action: s, Model: s, Key: s, Code: s, Address: s, Detail: s, Usage: &Usage{1 << 62, 1 << 62, 1 << 62, 1 << 62, 1 << 62, true}, LatencyMS: 1 << 62,
	}
	if err := l.Append(e); err != nil {
		t.Fatal(err)
	}
	verified(t, l, 1)
}

func TestTail(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir())
	if got := tail(t, l, 5); len(got) != 0 {
		t.Errorf("tail of an empty log: %v", got)
	}
	const total = 1500 // several blocks
	write(t, l, 1, total)
	for _, n := range []int{-1, 0, 1, 2, 700, total, total + 1} {
		got := tail(t, l, n)
		if want := min(max(n, 0), total); len(got) != want {
			t.Fatalf("Tail(%d) gave %d events", n, len(got))
		}
		for i, e := range got {
			if want := int64(total - len(got) + i + 1); e.Seq != want {
				t.Fatalf("Tail(%d): event %d is number %d, want %d", n, i, e.Seq, want)
			}
		}
	}
}
