package price

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func open(t *testing.T, dir string) *Table {
	t.Helper()
	table, err := Open(Config{Store: openStore(t, dir), Clock: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// reopen is the table of the next start.
func reopen(t *testing.T, table *Table) *Table {
	t.Helper()
	next, err := Open(table.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

const small = `{"openai":{"models":{
	"gpt-4o":{"cost":{"input":7,"output":8},"limit":{"context":99,"output":9},"reasoning":true},
	"gpt-6":{"cost":{"input":1,"output":2}},
	"unpriced":{}}}}`

func (t *Table) input(resource, model string) int64 {
	r, found := t.Rate(resource, model)
	if !found {
		return -1
	}
	return r.Input / dollar
}

func TestReplace(t *testing.T) {
	t.Parallel()
	table := open(t, t.TempDir())
	got, err := table.Replace([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Summary{Providers: 1, Models: 3, Priced: 2, Added: 2, Changed: 1, Removed: 558}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for range 2 {
		if table.input("llm:openai", "gpt-4o") != 7 || table.input("llm:openai", "gpt-6-2027-01-01") != 1 ||
			table.input("llm:openai", "unpriced") != -1 || table.input("llm:openai", "gpt-4o-mini") != -1 || table.input("llm:anthropic", "claude-haiku-4-5") != -1 {
			t.Errorf("%+v", table.List("llm:openai"))
		}
		if info := table.Info(); !info.Replaced.Equal(noon) || info.Models != 3 || info.Priced != 2 {
			t.Errorf("%+v", info)
		}
		if _, err := table.Replace([]byte(one(`"cost":{"input":-1,"output":1}`))); !errors.Is(err, ErrCatalog) {
			t.Errorf("a bad catalog: %v", err)
		}
		table = reopen(t, table)
	}
	if got, err := table.Replace([]byte(small)); err != nil || got.Added+got.Changed+got.Removed != 0 {
		t.Errorf("the same once more: %+v, %v", got, err)
	}
	if got, err := table.Reset(); err != nil || got.Models != 559 || got.Removed != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if table = reopen(t, table); table.input("llm:openai", "gpt-4o") != 2 || !table.Info().Replaced.IsZero() {
		t.Errorf("after a reset: %+v", table.Info())
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	table := open(t, t.TempDir())
	if _, err := table.Replace([]byte(small)); err != nil {
		t.Fatal(err)
	}
	set := func(resource, model string, input int64) {
		t.Helper()
		if err := table.Set(resource, model, Override{Input: input * dollar}); err != nil {
			t.Fatal(err)
		}
	}
	set("llm:openai", "*", 20)
	set("llm:openai", "gpt-4*", 21)
	set("llm:openai", "gpt-4?-turbo", 22)
	set("llm:openai", "gpt-4o", 23)
	set("llm:gemini", "models/gemini-9", 24)
	set("http:tickets", "*", 25)
	for range 2 {
		for _, row := range []struct {
			resource, model string
			want            int64
		}{
			{"llm:openai", "gpt-4o", 23},
			{"llm:openai", "gpt-4o-turbo", 22}, // the longer glob
			{"llm:openai", "gpt-4o-mini", 21},
			{"llm:openai", "gpt-4o-2024-08-06", 21}, // a glob is about the name as it is
			{"llm:openai", "gpt-6", 20},             // before the catalog
			{"llm:openai", "anything", 20},
			{"llm:openai", "", 20},
			{"llm:gemini", "gemini-9", 24},
			{"llm:gemini", "gemini-9-20270101", 24},
			{"llm:gemini", "models/gemini-9", 24},
			{"llm:gemini", "gemini-9-pro", -1},
			{"http:tickets", "", 25},
			{"http:other", "", -1},
		} {
			if got := table.input(row.resource, row.model); got != row.want {
				t.Errorf("%s %q: %d, want %d", row.resource, row.model, got, row.want)
			}
		}
		table = reopen(t, table)
	}
	for _, model := range []string{"*", "gpt-4*", "gpt-4?-turbo"} {
		if err := table.Unset("llm:openai", model); err != nil {
			t.Error(err)
		}
	}
	if got := table.input("llm:openai", "gpt-4o-2024-08-06"); got != 23 {
		t.Errorf("without globs the date is dropped: %d", got)
	}
	if r, _ := table.Rate("llm:openai", "gpt-4o"); r.MaxContext != 99 || r.MaxOutput != 9 || !r.Hidden || r.CacheRead != 23*dollar || r.Output != 0 {
		t.Errorf("the bounds are the catalog's: %+v", r)
	}
	if err := table.Set("llm:openai", "gpt-4o", Override{CacheRead: new(int64(0)), CacheWrite: new(int64(5)), Input: 9, MaxContext: 1, MaxOutput: 2}); err != nil {
		t.Fatal(err)
	}
	if r, _ := table.Rate("llm:openai", "gpt-4o"); r.MaxContext != 1 || r.MaxOutput != 2 || r.CacheRead != 0 || r.CacheWrite != 5 {
		t.Errorf("the owner's own: %+v", r)
	}
	if err := table.Unset("llm:openai", "gpt-4o"); err != nil || table.input("llm:openai", "gpt-4o") != 7 {
		t.Errorf("taken away: %v", err)
	}
	if err := table.Unset("llm:openai", "gpt-4o"); !errors.Is(err, ErrNoOverride) {
		t.Errorf("taken away twice: %v", err)
	}
	list := table.List("http:tickets")
	if len(list) != 1 || !list[0].Own || list[0].Model != "*" || table.Info().Overrides != 2 {
		t.Errorf("%+v", list)
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	table := open(t, t.TempDir())
	for _, row := range []struct {
		resource, model string
		give            Override
		want            string
	}{
		{"openai", "m", Override{}, "type:name"},
		{"llm:", "m", Override{}, "type:name"},
		{"llm:a b", "m", Override{}, "type:name"},
		{"llm:openai", "", Override{}, "visible ASCII"},
		{"llm:openai", "a b", Override{}, "visible ASCII"},
		{"llm:openai", strings.Repeat("m", 129), Override{}, "visible ASCII"},
		{"llm:openai", "m", Override{Input: -1}, "the input price must not be negative"},
		{"llm:openai", "m", Override{Output: maxPrice + 1}, "the output price must be at most 1000000.00 dollars"},
		{"llm:openai", "m", Override{CacheRead: new(int64(-1))}, "the price of reading the cache must not be negative"},
		{"llm:openai", "m", Override{CacheWrite: new(int64(-1))}, "the price of writing the cache must not be negative"},
		{"llm:openai", "m", Override{Request: -1}, "the price of a request must not be negative"},
		{"llm:openai", "m", Override{MaxContext: maxTokens + 1}, "the context must be at most"},
	} {
		if err := table.Set(row.resource, row.model, row.give); !errors.Is(err, ErrOverride) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: %v", row, err)
		}
	}
	if table.Info().Overrides != 0 || reopen(t, table).Info().Overrides != 0 {
		t.Error("something was kept")
	}
}

// A change that the store does not take changes nothing.
func TestFailedWrites(t *testing.T) {
	t.Parallel()
	table := open(t, t.TempDir())
	if err := table.cfg.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := table.Set("llm:openai", "gpt-4o", Override{Input: dollar}); err == nil {
		t.Error("set without a store")
	}
	if _, err := table.Replace([]byte(small)); err == nil {
		t.Error("replaced without a store")
	}
	if table.input("llm:openai", "gpt-4o") != 2 || table.Info().Overrides != 0 || table.Info().Models != 559 {
		t.Errorf("%+v", table.Info())
	}
	if _, err := Open(Config{}); err == nil {
		t.Error("opened without a store")
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	table := open(t, t.TempDir())
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			model := strings.Repeat("m", i+1)
			for range 3 {
				if err := table.Set("llm:openai", model, Override{Input: dollar}); err != nil {
					t.Error(err)
				}
				if got := table.input("llm:openai", model); got != 1 {
					t.Errorf("%s: %d", model, got)
				}
				table.List("llm:openai")
			}
		})
	}
	all.Wait()
	if got := table.Info().Overrides; got != 4 {
		t.Errorf("%d overrides", got)
	}
}

// What may hide output is told of models without a price too, and of those of
// which nothing is known.
func TestBoundsWithoutAPrice(t *testing.T) {
	t.Parallel()
	table := open(t, t.TempDir())
	if _, err := table.Replace([]byte(`{"openai":{"models":{
		"thinks":{"reasoning":true,"limit":{"context":99,"output":9}},
		"plain":{"limit":{"output":7}},
		"dear":{"cost":{"input":1,"output":2},"reasoning":true}}}}`)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, model string
		own         *Override
		want        Rate
	}{
		{"thinks, without a price", "thinks", nil, Rate{MaxContext: 99, MaxOutput: 9, Hidden: true, Unpriced: true}},
		{"shows all, without a price", "plain", nil, Rate{MaxOutput: 7, Unpriced: true}},
		{"unknown", "mine", nil, Rate{Hidden: true, Unpriced: true}},
		{"unknown, with a price", "mine", &Override{}, Rate{Hidden: true}},
		{"unknown, and visible", "mine", &Override{Visible: true}, Rate{}},
		{"known to think, whatever is said", "dear", &Override{Visible: true}, Rate{Hidden: true}},
		{"known to show all, with a price", "plain", &Override{}, Rate{MaxOutput: 7}},
	} {
		if row.own != nil {
			if err := table.Set("llm:openai", row.model, *row.own); err != nil {
				t.Fatal(err)
			}
		}
		got, priced := table.Rate("llm:openai", row.model)
		if !reflect.DeepEqual(got, row.want) || priced == row.want.Unpriced {
			t.Errorf("%s: %+v, %v", row.name, got, priced)
		}
	}
	if err := table.Set("llm:openai", "mine", Override{Hidden: true, Visible: true}); !errors.Is(err, ErrOverride) {
		t.Errorf("hidden and visible: %v", err)
	}
}
