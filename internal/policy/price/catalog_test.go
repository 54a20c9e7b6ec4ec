package price

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// one is a catalog of one model, whose members are given.
func one(members string) string { return `{"p":{"models":{"m":{` + members + `}}}}` }

// The prices of some well-known models, as their providers publish them.
func TestCarriedCatalog(t *testing.T) {
	t.Parallel()
	table := open(t, t.TempDir())
	for _, row := range []struct {
		resource, model                 string
		input, output, read, write      int64 // in a thousandth of a dollar per million
		maxContext, maxOutput, tierSize int64
		hidden                          bool
	}{
		{"llm:openai", "gpt-4o", 2500, 10000, 1250, 2500, 128_000, 16_384, 0, false},
		{"llm:openai", "gpt-4o-mini", 150, 600, 75, 150, 128_000, 16_384, 0, false},
		{"llm:openai", "gpt-4o-mini-2024-07-18", 150, 600, 75, 150, 128_000, 16_384, 0, false},
		{"llm:openai", "gpt-4o-2024-05-13", 5000, 15000, 5000, 5000, 128_000, 4096, 0, false},
		{"llm:openai", "text-embedding-3-small", 20, 0, 20, 20, 8191, 1536, 0, false},
		{"llm:anthropic", "claude-3-haiku-20240307", 250, 1250, 30, 300, 200_000, 4096, 0, false},
		{"llm:anthropic", "claude-haiku-4-5-20251001", 1000, 5000, 100, 1250, 200_000, 64_000, 0, true},
		{"llm:anthropic", "claude-sonnet-4-5-20250929", 3000, 15000, 300, 3750, 200_000, 64_000, 0, true},
		{"llm:gemini", "models/gemini-2.5-pro", 1250, 10000, 125, 1250, 1_048_576, 65_536, 200_000, true},
		{"llm:gemini", "gemini-2.5-flash", 300, 2500, 30, 300, 1_048_576, 65_536, 0, true},
		{"llm:together", "Qwen/Qwen3.5-397B-A17B", 600, 3600, 350, 600, 0, 0, 0, true},
		{"llm:fireworks", "accounts/fireworks/models/gpt-oss-120b", 150, 600, 15, 150, 0, 0, 0, true},
		{"llm:openrouter", "openai/gpt-oss-20b:free", 0, 0, 0, 0, 0, 0, 0, true},
	} {
		r, found := table.Rate(row.resource, row.model)
		if !found {
			t.Errorf("%s %s is not priced", row.resource, row.model)
			continue
		}
		const thousandth = dollar / 1000
		if r.Input != row.input*thousandth || r.Output != row.output*thousandth || r.CacheRead != row.read*thousandth || r.CacheWrite != row.write*thousandth || r.Hidden != row.hidden {
			t.Errorf("%s %s: %+v", row.resource, row.model, r)
		}
		if row.maxContext != 0 && (r.MaxContext != row.maxContext || r.MaxOutput != row.maxOutput) {
			t.Errorf("%s %s: bounds %d and %d", row.resource, row.model, r.MaxContext, r.MaxOutput)
		}
		if (row.tierSize == 0) != (r.Tiers == nil) || row.tierSize != 0 && r.Tiers[0].Above != row.tierSize {
			t.Errorf("%s %s: tiers %+v", row.resource, row.model, r.Tiers)
		}
	}
	for _, row := range [][2]string{
		{"llm:openai", "gpt-image-1"},        // known, not priced
		{"llm:openai", "gpt-4o-ultra"},       // another model, for all we know
		{"llm:openai", "gpt-4-32k-0613"},     // gpt-4 is not its name
		{"llm:openai", "gpt-4-1106-preview"}, // nor here
		{"llm:openai", "GPT-4o"},
		{"llm:openai", "gpt-4o "},
		{"llm:openai", ""},
		{"llm:google", "gemini-2.5-pro"}, // llm:gemini here
		{"llm:ollama", "llama3"},
		{"mail:resend", "gpt-4o"},
	} {
		if r, found := table.Rate(row[0], row[1]); found {
			t.Errorf("%s %q is priced: %+v", row[0], row[1], r)
		}
	}
	pro, _ := table.Rate("llm:gemini", "gemini-2.5-pro")
	if got := pro.Cost(Tokens{Input: 200_000, Output: 1000}); got != 260_000_000 {
		t.Errorf("200,000 tokens and an answer cost %s", FormatDollars(got))
	}
	if got := pro.Cost(Tokens{Input: 200_001, Output: 1000}); got != 515_002_500 {
		t.Errorf("one token more costs %s", FormatDollars(got))
	}
	if info := table.Info(); info.Providers != 13 || info.Models != 559 || info.Priced != 534 || !info.Replaced.IsZero() {
		t.Errorf("%+v", info)
	}
	if got := table.List("llm:cerebras"); len(got) != 2 || got[0].Model > got[1].Model || got[0].Own {
		t.Errorf("%+v", got)
	}
	if got := table.Resources(); len(got) != 13 || got[0] != "llm:anthropic" {
		t.Errorf("%q", got)
	}
}

func TestReadCatalog(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, members string
		priced        bool
		want          Rate
	}{
		{"plain", `"cost":{"input":1,"output":2}`, true, Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar, CacheWrite: dollar}},
		{"cache", `"cost":{"input":1,"output":2,"cache_read":0.1,"cache_write":1.25}`, true, Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar / 10, CacheWrite: dollar * 5 / 4}},
		{"cache by its other name", `"cost":{"input":1,"output":2,"cached_input":0.1}`, true, Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar / 10, CacheWrite: dollar}},
		{"storing comes on top", `"cost":{"input":1,"output":2,"cache_write":0.25}`, true, Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar, CacheWrite: dollar * 5 / 4}},
		{"storing for nothing", `"cost":{"input":1,"output":2,"cache_write":0}`, true, Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar, CacheWrite: dollar}},
		{"thinking costs more", `"cost":{"input":1,"output":2,"reasoning":3}`, true, Rate{Input: dollar, Output: 3 * dollar, CacheRead: dollar, CacheWrite: dollar}},
		{"thinking costs less", `"cost":{"input":1,"output":2,"reasoning":1}`, true, Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar, CacheWrite: dollar}},
		{"requests, by the thousand", `"cost":{"input":1,"output":1,"request":5}`, true, Rate{Input: dollar, Output: dollar, CacheRead: dollar, CacheWrite: dollar, Request: dollar / 200}},
		{"free", `"cost":{"input":0,"output":0}`, true, Rate{}},
		{"pictures for nothing", `"cost":{"input":0,"output":0},"modalities":{"output":["text","image"]}`, false, Rate{}},
		{"pictures for text", `"cost":{"input":0,"output":1},"modalities":{"input":["image"],"output":["image"]}`, true, Rate{Output: dollar}},
		{"text about pictures for nothing", `"cost":{"input":0,"output":0},"modalities":{"input":["image"],"output":["text"]}`, true, Rate{}},
		{"no output price", `"cost":{"input":1}`, false, Rate{}},
		{"no input price", `"cost":{"output":1}`, false, Rate{}},
		{"empty cost", `"cost":{}`, false, Rate{}},
		{"null cost", `"cost":null`, false, Rate{}},
		{"null price", `"cost":{"input":1,"output":null}`, false, Rate{}},
		{"bounds alone", `"limit":{"context":10,"output":5},"reasoning":true`, false, Rate{MaxContext: 10, MaxOutput: 5, Hidden: true}},
		{"members nobody knows", `"cost":{"input":1,"output":1,"video":[9]},"colour":{"a":1}`, true, Rate{Input: dollar, Output: dollar, CacheRead: dollar, CacheWrite: dollar}},
		{
			"tiers in any order", `"cost":{"input":1,"output":2,"tiers":[{"input":4,"output":8,"tier":{"size":20}},{"input":2,"cache_read":1,"tier":{"size":10,"type":"context"}},{"input":9,"output":9,"tier":{"type":"batch"}}]}`, true,
			Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar, CacheWrite: dollar, Tiers: []Tier{
				{Above: 10, Input: 2 * dollar, Output: 2 * dollar, CacheRead: dollar, CacheWrite: 2 * dollar},
				{Above: 20, Input: 4 * dollar, Output: 8 * dollar, CacheRead: 4 * dollar, CacheWrite: 4 * dollar},
			}},
		},
		{
			"the older tier", `"cost":{"input":1,"output":2,"context_over_200k":{"input":2,"output":3}}`, true,
			Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar, CacheWrite: dollar, Tiers: []Tier{{Above: 200_000, Input: 2 * dollar, Output: 3 * dollar, CacheRead: 2 * dollar, CacheWrite: 2 * dollar}}},
		},
		{
			"both", `"cost":{"input":1,"output":2,"context_over_200k":{"input":2,"output":3},"tiers":[{"input":2,"output":3,"tier":{"size":272000}}]}`, true,
			Rate{Input: dollar, Output: 2 * dollar, CacheRead: dollar, CacheWrite: dollar, Tiers: []Tier{{Above: 272_000, Input: 2 * dollar, Output: 3 * dollar, CacheRead: 2 * dollar, CacheWrite: 2 * dollar}}},
		},
	} {
		c, err := readCatalog([]byte(one(row.members)))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := c["llm:p"]["m"]; got.Priced != row.priced || !reflect.DeepEqual(got.Rate, row.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", row.name, got, row.want)
		}
	}
}

func TestReadCatalogRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ give, want string }{
		{``, "it is not valid JSON"},
		{`<html>`, "it is not valid JSON (at byte 0)"},
		{`[]`, "is not expected"},
		{`null`, "it has 0 models"},
		{`{}`, "it has 0 models"},
		{`{"p":{}}`, "it has 0 models"},
		{`{"error":"not found"}`, `at "/error", string is not expected`},
		{`{"p":{"models":[]}}`, `at "/p/models"`},
		{`{"p":{"models":{"m":7}}}`, `at "/p/models/m"`},
		{`{"p":{"models":{"m":{},"m":{}}}}`, `at "/p/models/m", a name appears twice`},
		{one(``) + one(``), "it is not valid JSON"},
		{one(`"cost":7`), `at "/p/models/m/cost"`},
		{one(`"cost":{"input":"1","output":1}`), `provider "p": model "m": cost.input must be a number`},
		{one(`"cost":{"input":-1,"output":1}`), "cost.input must not be negative"},
		{one(`"cost":{"input":1,"output":1000000.1}`), "cost.output must be at most"},
		{one(`"cost":{"input":1,"output":1,"cache_read":-1}`), "cost.cache_read must not be negative"},
		{one(`"cost":{"input":1,"output":1,"cache_write":true}`), "cost.cache_write must be a number"},
		{one(`"cost":{"input":1,"output":1,"request":-5}`), "cost.request must not be negative"},
		{one(`"cost":{"input":1,"output":1,"tiers":{}}`), `at "/p/models/m/cost/tiers"`},
		{one(`"cost":{"input":1,"output":1,"tiers":[{"input":2}]}`), "cost.tiers[0].tier.size must be at least 1"},
		{one(`"cost":{"input":1,"output":1,"tiers":[{"input":-2,"tier":{"size":1}}]}`), "cost.tiers[0].input must not be negative"},
		{one(`"cost":{"input":1,"output":1,"tiers":[` + strings.Repeat(`{"tier":{"size":1}},`, 16) + `{}]}`), "cost.tiers has more than 16 tiers"},
		{one(`"cost":{"input":1,"output":1,"context_over_200k":{"input":1e9}}`), "cost.context_over_200k.input must be at most"},
		{one(`"limit":{"context":-1}`), "limit.context must not be negative"},
		{one(`"limit":{"output":"many"}`), "limit.output must be a number"},
		{one(`"modalities":{"output":"text"}`), `at "/p/models/m/modalities/output"`},
		{one(`"reasoning":"yes"`), `at "/p/models/m/reasoning"`},
		{"{\"p\xff\":{\"models\":{\"m\":{}}}}", "it is not valid JSON"},
		{strings.Repeat(" ", MaxCatalogBytes+1), "it is longer than 33554432 bytes"},
	} {
		_, err := readCatalog([]byte(row.give))
		if !errors.Is(err, ErrCatalog) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%.100s: %v, want %s", row.give, err, row.want)
		}
	}
}

func TestCatalogNames(t *testing.T) {
	t.Parallel()
	c, err := readCatalog([]byte(`{
		"google":{"models":{"g":{}}},"gemini":{"models":{"wrong":{}}},"togetherai":{"models":{"t":{}}},
		"fireworks-ai":{"models":{"f":{}}},"new one":{"models":{"x":{}}},"p":{"models":{"a b":{},"":{},"` + strings.Repeat("m", 129) + `":{},"ok":{}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := catalog{"llm:gemini": {"g": {}}, "llm:together": {"t": {}}, "llm:fireworks": {"f": {}}, "llm:p": {"ok": {}}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v", c)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"gpt-4o":                                "gpt-4o",
		"gpt-4o-mini-2024-07-18":                "gpt-4o-mini-2024-07-18 gpt-4o-mini-2024 gpt-4o-mini",
		"claude-haiku-4-5-20251001":             "claude-haiku-4-5-20251001 claude-haiku-4-5",
		"gpt-4-0613":                            "gpt-4-0613 gpt-4",
		"mistral-large-2411":                    "mistral-large-2411 mistral-large",
		"command-r-08-2024":                     "command-r-08-2024 command-r",
		"gemini-2.5-pro-preview-05-06":          "gemini-2.5-pro-preview-05-06 gemini-2.5-pro-preview",
		"gemini-2.5-flash-lite-preview-09-2025": "gemini-2.5-flash-lite-preview-09-2025 gemini-2.5-flash-lite-preview",
		"m-2025-09":                             "m-2025-09 m",
		"m-2024-13-01":                          "m-2024-13-01",
		"m-20241301":                            "m-20241301",
		"m-20240732":                            "m-20240732",
		"m-1999-01-01":                          "m-1999-01-01 m-1999",
		"m-1999":                                "m-1999",
		"m-0000":                                "m-0000",
		"m-8000":                                "m-8000",
		"m-001":                                 "m-001",
		"m_0613":                                "m_0613",
		"m-latest":                              "m-latest",
		"m-2024-07-18-preview":                  "m-2024-07-18-preview",
		"-0613":                                 "-0613",
		"0613":                                  "0613",
		"":                                      "",
	} {
		var got []string
		for name := range names(model) {
			got = append(got, name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q", model, got)
		}
	}
}

// A catalog larger than a record of the store is kept all the same.
func TestLargeCatalog(t *testing.T) {
	t.Parallel()
	models := map[string]any{}
	for i := range 40_000 {
		h := fnv.New128a()
		fmt.Fprint(h, i)
		models[fmt.Sprintf("%x", h.Sum(nil))] = map[string]any{"cost": map[string]int{"input": i % 100, "output": i % 7}}
	}
	data, err := json.Marshal(map[string]any{"p": map[string]any{"models": models}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := readCatalog(data)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.split(time.Unix(1, 0).UTC())
	if err != nil || len(all) < 2 || all[0].Pieces != len(all) {
		t.Fatalf("%d pieces, %v", len(all), err)
	}
	again, err := join(all)
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Fatalf("%d providers came back, %v", len(again), err)
	}
	if _, err := join(all[:1]); err == nil {
		t.Error("half a catalog is taken")
	}
}

// FuzzReadCatalog asserts that whatever is accepted is within bounds and comes
// back from the store as it was.
func FuzzReadCatalog(f *testing.F) {
	f.Add([]byte(one(`"cost":{"input":2.5,"output":1e1,"tiers":[{"input":5,"tier":{"size":200000}}]},"limit":{"context":128000}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := readCatalog(data)
		if err != nil {
			if !errors.Is(err, ErrCatalog) {
				t.Fatal(err)
			}
			return
		}
		for _, of := range c {
			for model, k := range of {
				for _, n := range []int64{k.Rate.Input, k.Rate.Output, k.Rate.CacheRead, k.Rate.CacheWrite, k.Rate.Request} {
					if n < 0 || n > 2*maxPrice {
						t.Fatalf("%q: %+v", model, k)
					}
				}
				if k.Rate.Cost(Tokens{Input: 1, Output: 1}) < 0 || !nameable(model) {
					t.Fatalf("%q: %+v", model, k)
				}
			}
		}
		all, err := c.split(time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := join(all); err != nil || again.summary(c).Changed+again.summary(c).Added+again.summary(c).Removed != 0 {
			t.Fatalf("came back as %+v, %v", again, err)
		}
	})
}

func TestFuzzSeedsAreThere(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"FuzzReadCatalog", "FuzzParseDollars"} {
		seeds, err := os.ReadDir("testdata/fuzz/" + target)
		if err != nil || len(seeds) < 5 {
			t.Errorf("%s has %d committed seeds (%v), want at least 5", target, len(seeds), err)
		}
	}
}
