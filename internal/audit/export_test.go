package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// exported is a log of six events over several files.
func exported(t *testing.T) (*Log, string) {
	t.Helper()
	dir := t.TempDir()
	cfg := testConfig(dir)
	cfg.MaxBytes = 400
	l := openConfig(t, cfg)
	for i, e := range []Event{
		{Kind: GatewayStarted, Actor: Gateway},
		{Kind: RequestStarted, Actor: App, AppID: "app_1", AppName: "Notes", RequestID: "req_1"},
		{Kind: RequestEnded, Actor: App, AppID: "app_1", AppName: "Notes", RequestID: "req_1", Status: 200, LatencyMS: 12, Usage: &Usage{InputTokens: 3, OutputTokens: 4, CacheWriteTokens: 2, CostNanoDollars: 7, Estimated: true}},
		{Kind: RequestDenied, Actor: App, AppID: "app_2", AppName: "=HYPERLINK(\"x\")", RequestID: "req_2", Code: "model_not_allowed", Status: 403},
		{Kind: RequestDenied, Actor: App, AppID: "app_1", AppName: "Notes", RequestID: "req_3", Code: "limit_reached", Status: 429, Detail: "say \"when\", please"},
		{Kind: AppRevoked, Actor: Owner, AppID: "app_2"},
	} {
		e.Time = testTime.Add(time.Duration(i) * time.Hour)
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if len(numbers(t, dir)) == 0 {
		t.Fatal("all in one file")
	}
	return l, dir
}

func TestExportFilters(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		filter Filter
		want   []int64
	}{
		{"all", Filter{}, []int64{1, 2, 3, 4, 5, 6}},
		{"since", Filter{Since: testTime.Add(3 * time.Hour)}, []int64{4, 5, 6}},
		{"until", Filter{Until: testTime.Add(3 * time.Hour)}, []int64{1, 2, 3}},
		{"between", Filter{Since: testTime.Add(time.Hour), Until: testTime.Add(2 * time.Hour)}, []int64{2}},
		{"app by id", Filter{App: "app_2"}, []int64{4, 6}},
		{"app by name", Filter{App: "Notes"}, []int64{2, 3, 5}},
		{"kind", Filter{Kind: "request.denied"}, []int64{4, 5}},
		{"group of kinds", Filter{Kind: "request"}, []int64{2, 3, 4, 5}},
		{"no such group", Filter{Kind: "req"}, nil},
		{"code", Filter{Code: "limit_reached"}, []int64{5}},
		{"all of them", Filter{Since: testTime, Until: testTime.Add(9 * time.Hour), App: "app_1", Kind: "request.denied", Code: "limit_reached"}, []int64{5}},
		{"nothing", Filter{App: "app_1", Code: "model_not_allowed"}, nil},
	}
	l, _ := exported(t)
	for _, row := range rows {
		var out bytes.Buffer
		if err := l.Export(&out, row.filter, JSONL); err != nil {
			t.Fatal(err)
		}
		var got []int64
		for line := range strings.Lines(out.String()) {
			var e Event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%s: %v in %s", row.name, err, line)
			}
			got = append(got, e.Seq)
		}
		if len(got) != len(row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
			continue
		}
		for i := range got {
			if got[i] != row.want[i] {
				t.Errorf("%s: %v, want %v", row.name, got, row.want)
			}
		}
	}
}

func TestExportCSV(t *testing.T) {
	t.Parallel()
	l, _ := exported(t)
	var out bytes.Buffer
	if err := l.Export(&out, Filter{}, CSV); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(table) != 7 {
		t.Fatalf("%d rows, %v", len(table), err)
	}
	column := map[string]int{}
	for i, name := range table[0] {
		column[name] = i
	}
	for _, want := range []struct {
		row        int
		name, text string
	}{
		{1, "seq", "1"}, {1, "time", "2026-11-21T10:00:00Z"}, {1, "kind", "gateway.started"}, {1, "status", ""}, {1, "input_tokens", ""},
		{3, "status", "200"}, {3, "latency_ms", "12"}, {3, "input_tokens", "3"}, {3, "output_tokens", "4"},
		{3, "cache_write_tokens", "2"}, {3, "cost_nano_dollars", "7"}, {3, "estimated", "true"},
		{4, "app_name", `'=HYPERLINK("x")`}, {4, "code", "model_not_allowed"},
		{5, "detail", `say "when", please`},
	} {
		if got := table[want.row][column[want.name]]; got != want.text {
			t.Errorf("row %d, %s: %q, want %q", want.row, want.name, got, want.text)
		}
	}
	for in, want := range map[string]string{"": "", "a=1": "a=1", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x"} {
		if got := cell(in); got != want {
			t.Errorf("cell %q became %q", in, got)
		}
	}
}

func TestExportShowsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	l, dir := exported(t)
	rewrite(t, dir, segmentName(1), func(lines [][]byte) [][]byte { lines[0] = []byte("garbage\n"); return lines })
	var out bytes.Buffer
	if err := l.Export(&out, Filter{Code: "limit_reached"}, JSONL); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "audit.unreadable") || !strings.Contains(text, "req_3") {
		t.Errorf("exported %s", text)
	}
}

type fullWriter struct{}

var errFull = errors.New("no room")

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

func TestExportTellsItsWritersError(t *testing.T) {
	t.Parallel()
	l, _ := exported(t)
	for _, as := range []Format{CSV, JSONL} {
		if err := l.Export(fullWriter{}, Filter{}, as); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", as, err)
		}
	}
	if err := l.Export(fullWriter{}, Filter{}, "xml"); !errors.Is(err, ErrFormat) {
		t.Errorf("xml: %v", err)
	}
}
