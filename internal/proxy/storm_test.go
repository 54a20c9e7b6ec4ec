package proxy

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/plugins"
)

// storms is how many seeds each storm is run with: 3, or 1 where every access
// to memory is watched, unless KEYWICKET_STORM_SEEDS says another number.
func storms(t *testing.T) int {
	t.Helper()
	text := os.Getenv("KEYWICKET_STORM_SEEDS")
	switch {
	case text == "" && watched:
		return 1
	case text == "":
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("KEYWICKET_STORM_SEEDS: %q is not a number of seeds", text)
	}
	return n
}

// Five hundred clients at once, each with answers of random length, some of
// them leaving, at a provider that fails and breaks off now and then: the cap
// is never passed, and nearly all of it can be used.
func TestStorm(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		unit  policy.Unit
		limit policy.Limit
		cap   int64
	}{
		{"dollars", policy.NanoDollars, policy.Limit{Per: policy.Day, Dollars: dollars("1")}, 1e9},
		{"tokens of a model", policy.Tokens, policy.Limit{Per: policy.Month, Model: "gpt-4o-*", Tokens: 12_000}, 12_000},
		{"requests", policy.Requests, policy.Limit{Per: policy.Lifetime, Requests: 150}, 150},
	} {
		for _, streams := range []bool{true, false} {
			for seed := range storms(t) {
				t.Run(fmt.Sprint(row.name, map[bool]string{true: " streamed ", false: " whole "}[streams], seed), func(t *testing.T) {
					t.Parallel()
					s := newStorm(t, uint64(seed), streams, row.limit)
					s.rage()
					used := s.app.settled(row.unit)
					if used > row.cap || used < row.cap*95/100 {
						t.Errorf("settled at %d of %d", used, row.cap)
					}
					s.check(row.unit, used)
				})
			}
		}
	}
}

// storm is one run: five hundred clients of one app.
type storm struct {
	*bench
	app     *app
	mill    *mill
	streams bool
	seed    uint64
	client  *http.Client

	mu        sync.Mutex
	delivered int64 // words that clients have got
	codes     map[string]int
}

const stormClients = 500

func newStorm(t *testing.T, seed uint64, streams bool, limit policy.Limit) *storm {
	t.Helper()
	m := newMill(seed)
	m.fails, m.breaks = 5, 5
	b := newBench(t, behind(m.ServeHTTP))
	b.must(b.prices.Set(resource, "gpt-4o-mini", price.Override{Input: 10_000 * 1e6, Output: 100_000 * 1e6})) // $1 is 10,000 tokens of output
	s := &storm{bench: b, mill: m, streams: streams, seed: seed, codes: map[string]int{}}
	s.app = b.pair(granting(limit))
	b.clock.stop() // its token stays good, however long it takes
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: stormClients}}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// rage has all clients ask until the budget is spent.
func (s *storm) rage() {
	const patience = 2000 // questions of one client
	var all sync.WaitGroup
	for n := range stormClients {
		random := rand.New(rand.NewPCG(s.seed, uint64(n)))
		all.Go(func() {
			for range patience {
				if s.ask(random) {
					return
				}
				time.Sleep(time.Duration(200+random.IntN(800)) * time.Millisecond)
			}
			s.Error("the budget was never spent")
		})
	}
	all.Wait()
}

// ask sends one request, and says whether the budget is spent.
func (s *storm) ask(random *rand.Rand) (spent bool) {
	body, open := question, 50 // of so many, one that names no output cap: it takes all that is free
	if s.streams {
		body, open = streamed, 3
	}
	if random.IntN(open) > 0 {
		body = strings.Replace(body, "{", fmt.Sprintf(`{"max_tokens":%d,`, 20+random.IntN(60)), 1)
	}
	ctx, leave := context.WithCancel(s.Context())
	defer leave()
	res, err := s.client.Do(s.app.request("POST", chatPath, body).WithContext(ctx))
	if err != nil {
		s.Error(err)
		return true
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		data, _ := io.ReadAll(res.Body)
		code := result{body: data}.code()
		s.note(code, 0)
		return strings.HasSuffix(code, "_spent")
	}
	s.read(res.Body, random)
	return false
}

// read takes an answer, or a part of it.
func (s *storm) read(body io.Reader, random *rand.Rand) {
	var most int64 = 1 << 20
	if random.IntN(4) == 0 {
		most = random.Int64N(4000)
	}
	if !s.streams {
		data, _ := io.ReadAll(io.LimitReader(body, most))
		s.note("", int64(strings.Count(string(data), " the")))
		return
	}
	events := plugins.NewEventReader(io.LimitReader(body, most), 0)
	for {
		raw, err := events.Next()
		if err != nil {
			return
		}
		s.note(codeOf(raw), int64(strings.Count(string(raw), " the")))
	}
}

func (s *storm) note(code string, words int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delivered += words
	if code != "" {
		s.codes[code]++
	}
}

// check compares what was charged with what was delivered and reported.
func (s *storm) check(u policy.Unit, used int64) {
	s.Helper()
	least := map[policy.Unit]int64{
		policy.Tokens: s.delivered, policy.NanoDollars: s.delivered * 100_000, policy.Requests: int64(s.mill.answered),
	}[u]
	if used < least {
		s.Errorf("charged %d, delivered %d", used, least)
	}
	for code := range s.codes {
		if code != "budget_held" && code != "upstream_error" && !strings.HasSuffix(code, "_spent") {
			s.Errorf("refused with %v", s.codes)
		}
	}
	if s.delivered == 0 {
		s.Error("nothing was delivered")
	}
}
