package usage_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/internal/usage"
)

// book is a history on a real store, with a clock that the test sets.
type book struct {
	*usage.History
	t    *testing.T
	dir  string
	db   *store.Store
	zone *time.Location

	mu  sync.Mutex
	now time.Time
}

func newBook(t *testing.T, zone string, now time.Time) *book {
	t.Helper()
	in, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	b := &book{t: t, dir: t.TempDir(), zone: in, now: now}
	b.open()
	t.Cleanup(b.close)
	return b
}

func (b *book) open() {
	b.t.Helper()
	var err error
	if b.db, err = store.Open(store.Config{Dir: b.dir}); err != nil {
		b.t.Fatal(err)
	}
	b.History, err = usage.New(usage.Config{Store: b.db, Zone: b.zone, Clock: b.clock})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) close() {
	b.t.Helper()
	if err := b.Close(); err != nil {
		b.t.Error(err)
	}
	if err := b.db.Close(); err != nil {
		b.t.Error(err)
	}
}

func (b *book) restart() {
	b.t.Helper()
	b.close()
	b.open()
}

func (b *book) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *book) at(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = now
}

// rows asks, and writes each row as its key, requests, tokens in and denials.
func (b *book) rows(q usage.Query) string {
	b.t.Helper()
	all, err := b.Query(q)
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for _, r := range all {
		lines = append(lines, fmt.Sprintf("%s %d %d %d", r.Key, r.Requests, r.InputTokens, r.Denied))
	}
	return strings.Join(lines, "\n")
}

func (b *book) want(q usage.Query, want ...string) {
	b.t.Helper()
	if got := b.rows(q); got != strings.Join(want, "\n") {
		b.t.Errorf("by %q: got\n%s\nwant\n%s", q.By, got, strings.Join(want, "\n"))
	}
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func used(app, resource, model string) usage.Request {
	return usage.Request{
		App: app, Resource: resource, Model: model, Latency: 300 * time.Millisecond,
		InputTokens: 10, CachedTokens: 4, CacheWriteTokens: 1, OutputTokens: 5, Cost: 7,
	}
}

func denied(app, model, rule string) usage.Request {
	return usage.Request{App: app, Resource: "llm:openai", Model: model, Rule: rule}
}

func (b *book) fill() {
	b.Record(used("app_a", "llm:openai", "gpt-4o"))
	b.Record(used("app_a", "llm:openai", "gpt-4o-mini"))
	b.Record(used("app_b", "llm:other", "gpt-4o"))
	b.at(noon.Add(time.Hour))
	failed := used("app_b", "llm:other", "gpt-4o")
	failed.Failed, failed.Latency = true, time.Hour
	b.Record(failed)
	b.Record(denied("app_a", "gpt-9", "models"))
	b.Record(denied("app_a", "gpt-4o", "limits[2].requests"))
	b.Record(denied("app_a", "gpt-4o", "limits[7].requests"))
}

func (b *book) wantFilled() {
	b.t.Helper()
	b.want(usage.Query{}, " 4 40 3")
	b.want(usage.Query{By: usage.ByApp}, "app_a 2 20 3", "app_b 2 20 0")
	b.want(usage.Query{By: usage.ByModel}, "gpt-4o 3 30 2", "gpt-4o-mini 1 10 0", "gpt-9 0 0 1")
	b.want(usage.Query{By: usage.ByResource}, "llm:openai 2 20 3", "llm:other 2 20 0")
	b.want(usage.Query{By: usage.ByHour}, "2026-11-21T12:00:00Z 3 30 0", "2026-11-21T13:00:00Z 1 10 3")
	b.want(usage.Query{By: usage.ByRule}, "limits.requests 0 0 2", "models 0 0 1")
	b.want(usage.Query{By: usage.ByModel, App: "app_b"}, "gpt-4o 2 20 0")
	b.want(usage.Query{By: usage.ByApp, Resource: "llm:other"}, "app_b 2 20 0")
	b.want(usage.Query{Since: noon.Add(time.Hour + time.Minute)}, " 1 10 3")
	b.want(usage.Query{Until: noon.Add(time.Hour)}, " 3 30 0")
	b.want(usage.Query{Since: noon.Add(24 * time.Hour)})
}

func TestQuery(t *testing.T) {
	t.Parallel()
	b := newBook(t, "UTC", noon)
	b.fill()
	b.wantFilled()
	if _, err := b.Query(usage.Query{By: "app,model"}); !errors.Is(err, usage.ErrBy) {
		t.Errorf("an unknown grouping: %v", err)
	}
}

// TestRestart goes on in the middle of an hour, and adds to what was there.
func TestRestart(t *testing.T) {
	t.Parallel()
	b := newBook(t, "UTC", noon)
	b.fill()
	b.restart()
	b.wantFilled()
	b.Record(used("app_a", "llm:openai", "gpt-4o"))
	b.restart()
	b.want(usage.Query{By: usage.ByApp}, "app_a 3 30 3", "app_b 2 20 0")
	b.at(noon.Add(-24 * time.Hour)) // the clock is put back
	b.Record(used("app_a", "llm:openai", "gpt-4o"))
	b.at(noon.Add(2 * time.Hour))
	b.Record(used("app_a", "llm:openai", "gpt-4o"))
	b.restart()
	b.want(usage.Query{By: usage.ByDay}, "2026-11-20 1 10 0", "2026-11-21 6 60 3")
}

func TestEveryNumberIsKept(t *testing.T) {
	t.Parallel()
	b := newBook(t, "UTC", noon)
	b.fill()
	b.restart()
	all, err := b.Query(usage.Query{By: usage.ByApp, App: "app_b"})
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	got := all[0]
	hour := time.Hour.Milliseconds()
	want := usage.Row{Key: "app_b"}
	want.Requests, want.InputTokens, want.CachedTokens, want.CacheWriteTokens, want.OutputTokens = 2, 20, 8, 2, 10
	want.Cost, want.Errors = 14, 1
	want.Latency = usage.Latency{Count: 2, SumMS: hour + 300, MaxMS: hour}
	want.Latency.Buckets[3], want.Latency.Buckets[usage.Buckets-1] = 1, 1
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if mean := got.Latency.MeanMS(); mean != (hour+300)/2 {
		t.Errorf("mean %d ms", mean)
	}
}

// TestDays: a day has the hours that the owner's zone gives it. Berlin's 29
// March 2026 has 23, its 25 October 25.
func TestDays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		zone       string
		start, end time.Time
		want       string
	}{
		{"Europe/Berlin", time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC),
			"2026-03-28 23\n2026-03-29 23\n2026-03-30 24\n2026-03-31 2"},
		{"Europe/Berlin", time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 27, 0, 0, 0, 0, time.UTC),
			"2026-10-24 22\n2026-10-25 25\n2026-10-26 24\n2026-10-27 1"},
		{"Pacific/Kiritimati", time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
			"2026-11-21 10\n2026-11-22 14"},
	} {
		b := newBook(t, row.zone, row.start)
		for hour := row.start; hour.Before(row.end); hour = hour.Add(time.Hour) {
			b.at(hour)
			b.Record(used("app_a", "llm:openai", "m"))
		}
		all, err := b.Query(usage.Query{By: usage.ByDay})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range all {
			got = append(got, fmt.Sprintf("%s %d", r.Key, r.Requests))
			if local := r.Start.In(b.zone); local.Format(time.DateOnly) != r.Key || local.Hour() != 0 {
				t.Errorf("%s begins at %s", r.Key, local)
			}
		}
		if strings.Join(got, "\n") != row.want {
			t.Errorf("%s: got\n%s\nwant\n%s", row.zone, strings.Join(got, "\n"), row.want)
		}
		if hours, err := b.Query(usage.Query{By: usage.ByHour}); err != nil || len(hours) != int(row.end.Sub(row.start)/time.Hour) {
			t.Errorf("%s: %d hours, %v", row.zone, len(hours), err)
		}
	}
}

// TestPrune: what is older than two years is gone, from the file too.
func TestPrune(t *testing.T) {
	t.Parallel()
	b := newBook(t, "UTC", noon)
	b.Record(used("app_a", "llm:openai", "old"))
	b.restart()
	b.at(noon.AddDate(0, 0, usage.Kept))
	b.Record(used("app_a", "llm:openai", "new"))
	b.restart()
	b.want(usage.Query{By: usage.ByModel}, "new 1 10 0", "old 1 10 0")
	b.at(noon.AddDate(0, 0, usage.Kept+1))
	b.Record(used("app_a", "llm:openai", "newer"))
	b.restart()
	b.want(usage.Query{By: usage.ByModel}, "new 1 10 0", "newer 1 10 0")
	b.at(noon.AddDate(9, 0, 0))
	b.restart() // it is also looked at without anything new
	b.want(usage.Query{})
	b.close()
	defer b.open()
	db, err := store.Open(store.Config{Dir: b.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *store.Tx) error {
		all, err := store.NewCollection[any]("usage").All(tx)
		if len(all) != 1 { // the index
			t.Errorf("left in the file: %v", all)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestHostileNames: what clients choose takes a bounded amount, and no count
// is lost.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	const many = 3000
	b := newBook(t, "UTC", noon)
	for i := range many {
		b.Record(denied("app_a", fmt.Sprintf("%d-%s\xff", i, strings.Repeat("x", 10_000)), "models"))
		b.Record(used("app_b", "llm:openai", fmt.Sprintf("m-%d", i)))
		b.Record(denied("app_c", "m", fmt.Sprintf("rule-%d", i)))
	}
	b.want(usage.Query{By: usage.ByApp}, "app_b 3000 30000 0", "app_a 0 0 3000", "app_c 0 0 3000")
	for app, most := range map[string]int{"app_a": 65, "app_b": 65} {
		all, err := b.Query(usage.Query{By: usage.ByModel, App: app})
		if err != nil || len(all) != most {
			t.Errorf("%s: %d models, %v; want %d", app, len(all), err, most)
		}
		for _, r := range all {
			if len(r.Key) > 70 || strings.ToValidUTF8(r.Key, "?") != r.Key {
				t.Errorf("the name is kept as %q", r.Key)
			}
		}
	}
	if all, err := b.Query(usage.Query{By: usage.ByRule, App: "app_c"}); err != nil || len(all) != 33 {
		t.Errorf("%d rules, %v", len(all), err)
	}
	// A day later the same app is as bounded again, and the days together.
	b.at(noon.Add(24 * time.Hour))
	for i := range many {
		b.Record(denied("app_a", fmt.Sprintf("next-%d", i), "models"))
	}
	if all, err := b.Query(usage.Query{By: usage.ByModel, App: "app_a"}); err != nil || len(all) != 129 {
		t.Errorf("%d models, %v", len(all), err)
	}
}

// TestManyApps: beyond the bound of a day, apps are counted together.
func TestManyApps(t *testing.T) {
	t.Parallel()
	const apps = 51_000
	b := newBook(t, "UTC", noon)
	for i := range apps {
		b.Record(used(fmt.Sprintf("app_%d", i), "llm:openai", "m"))
	}
	b.restart()
	all, err := b.Query(usage.Query{})
	if err != nil || len(all) != 1 || all[0].Requests != apps {
		t.Fatalf("%v, %v", all, err)
	}
	rest, err := b.Query(usage.Query{By: usage.ByModel, App: usage.Other})
	if err != nil || len(rest) != 1 || rest[0].Requests != apps-50_000 {
		t.Errorf("%v, %v", rest, err)
	}
	top, err := b.Query(usage.Query{By: usage.ByApp})
	if err != nil || len(top) != usage.MaxRows || top[usage.MaxRows-1].Key != usage.Other || top[usage.MaxRows-1].Requests != apps-usage.MaxRows+1 {
		t.Errorf("%d rows, %v; the last of them are %d", len(top), err, top[len(top)-1].Requests)
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	const each, workers = 300, 16
	b := newBook(t, "UTC", noon)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				b.at(noon.Add(time.Duration(i) * time.Hour))
				b.Record(used(fmt.Sprintf("app_%d", w%3), "llm:openai", fmt.Sprint(i%7)))
				if i%50 == 0 {
					if _, err := b.Query(usage.Query{By: usage.ByDay}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	b.at(noon.Add(each * time.Hour))
	b.want(usage.Query{}, fmt.Sprintf(" %d %d 0", each*workers, each*workers*10))
	b.restart()
	b.want(usage.Query{}, fmt.Sprintf(" %d %d 0", each*workers, each*workers*10))
}

// TestTwoYears fills two years of an owner with six busy series and holds the
// size of the file and the number of what is read against bounds.
func TestTwoYears(t *testing.T) {
	t.Parallel()
	b := newBook(t, "Europe/Berlin", noon)
	start := noon.AddDate(0, 0, -usage.Kept+1)
	for day := range usage.Kept {
		for hour := range 24 {
			b.at(start.AddDate(0, 0, day).Add(time.Duration(hour-12) * time.Hour))
			for s := range 6 {
				r := used(fmt.Sprintf("app_%026d", s%3), "llm:openai", fmt.Sprintf("gpt-4o-%d", s))
				r.InputTokens, r.OutputTokens, r.Cost = int64(day*7919%100_000), int64(hour*104_729%5_000), int64(day*hour*7919)
				r.Latency = time.Duration(day*hour%9_000) * time.Millisecond
				b.Record(r)
			}
		}
		if day%100 == 0 {
			b.restart()
		}
	}
	b.restart()
	days, err := b.Query(usage.Query{By: usage.ByDay})
	if err != nil || len(days) < usage.Kept || len(days) > usage.Kept+1 {
		t.Errorf("%d days, %v", len(days), err)
	}
	var requests int64
	for _, d := range days {
		requests += d.Requests
	}
	if want := int64(usage.Kept) * 24 * 6; requests != want {
		t.Errorf("%d requests, want %d", requests, want)
	}
	files, err := filepath.Glob(filepath.Join(b.dir, "*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	const most = 12 << 20
	t.Logf("two years of six series by the hour: %d KiB", info.Size()>>10)
	if info.Size() > most {
		t.Errorf("the file has %d bytes, more than %d", info.Size(), most)
	}
}

// TestUnreadableDay: what cannot be read is left alone, and recording goes on.
func TestUnreadableDay(t *testing.T) {
	t.Parallel()
	b := newBook(t, "UTC", noon)
	b.Record(used("app_a", "llm:openai", "m"))
	b.restart()
	type record struct {
		Part []byte `json:"part"`
	}
	c := store.NewCollection[record]("usage")
	err := b.db.Update(func(tx *store.Tx) error { return c.Put(tx, "2026-11-21.0", record{[]byte("nonsense")}) })
	if err != nil {
		t.Fatal(err)
	}
	b.Record(used("app_a", "llm:openai", "m"))
	b.want(usage.Query{}, " 1 10 0")
	b.restart()
	if _, err := b.Query(usage.Query{}); err == nil {
		t.Error("an unreadable day is passed over in silence")
	}
}
