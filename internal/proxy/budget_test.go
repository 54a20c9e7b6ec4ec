package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// One token of input costs a hundredth of a cent, one of output a cent.
const (
	inputPrice  = 100_000 * 1_000_000 // nano-dollars for a million tokens
	outputPrice = 10_000_000 * 1_000_000
)

// priced gives the models of the tests prices that are easy to count in.
func (b *bench) priced() *bench {
	b.Helper()
	for _, model := range []string{"gpt-4o", "gpt-4o-mini"} {
		b.must(b.prices.Set(resource, model, price.Override{Input: inputPrice, Output: outputPrice}))
	}
	return b
}

func dollars(text string) policy.Dollars {
	d, err := policy.ParseDollars(text)
	if err != nil {
		panic(err)
	}
	return d
}

func granting(limits ...policy.Limit) policy.Document {
	return policy.Document{Resource: resource, Limits: limits}
}

// limit is where one unit of the app's first limit that has it stands.
func (a *app) limit(u policy.Unit) policy.LimitState {
	a.Helper()
	permission, err := a.pairing.Permission(a.id, resource)
	a.must(err)
	for _, l := range a.ledger.Limits(permission.ID, permission.Document) {
		if l.Unit == u {
			return l
		}
	}
	a.Fatalf("no limit on %s", u)
	return policy.LimitState{}
}

// settled waits until nothing runs and returns what a limit has counted.
func (a *app) settled(u policy.Unit) int64 {
	a.Helper()
	a.eventually("the requests have ended", func() bool { return a.proxy.Running() == 0 })
	l := a.limit(u)
	if l.Held != 0 {
		a.Errorf("%s: %d are still held", u, l.Held)
	}
	return l.Used
}

// A stream ends at the cap, with an event that says so, and what was delivered
// is charged; what is left of the cap is next to nothing.
func TestStreamEndsAtTheCap(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		limit policy.Limit
		unit  policy.Unit
		cap   int64
		code  string
	}{
		{"tokens", policy.Limit{Per: policy.Day, Tokens: 300}, policy.Tokens, 300, policy.CodeTokenBudgetSpent},
		{"dollars", policy.Limit{Per: policy.Month, Dollars: dollars("3")}, policy.NanoDollars, 3e9, policy.CodeDollarBudgetSpent},
		{"tokens of the model", policy.Limit{Per: policy.Lifetime, Model: "gpt-4o*", Tokens: 300}, policy.Tokens, 300, policy.CodeTokenBudgetSpent},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t).priced()
			b.fake.Script(openaifake.Fault{Endless: true})
			a := b.pair(granting(row.limit))
			s := a.open(streamed)
			wantCut(s, row.code)
			b.eventually("the provider was hung up on", func() bool { return b.fake.Gone() == 1 })
			if used := a.settled(row.unit); used > row.cap || used < row.cap*95/100 {
				t.Errorf("settled at %d of %d", used, row.cap)
			}
			ended := b.recorded(audit.RequestEnded, s.id)
			if len(ended) != 1 || ended[0].Usage == nil || !ended[0].Usage.Estimated {
				t.Fatalf("audit: %+v", ended)
			}
			if delivered := int64(words(s.seen.String())); ended[0].Usage.OutputTokens < delivered {
				t.Errorf("%d words were delivered, %d tokens charged", delivered, ended[0].Usage.OutputTokens)
			}
			b.fake.Script(openaifake.Fault{})
			if got := a.post(streamed); !strings.Contains(string(got.body), row.code) || words(string(got.body)) > 1 {
				t.Errorf("the next: %d %s", got.status, got.body) // there may be a word's worth left
			}
		})
	}
}

// words counts the words in the deltas of a stream.
func words(stream string) int {
	n := 0
	for event := range strings.SplitSeq(stream, "\n\n") {
		var c struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if data, ok := strings.CutPrefix(event, "data: "); ok && json.Unmarshal([]byte(data), &c) == nil {
			for _, choice := range c.Choices {
				n += len(strings.Fields(choice.Delta.Content))
			}
		}
	}
	return n
}

// A stream that is no event stream is broken off at the cap, charged by then.
func TestGrowingAnswerIsBrokenOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "[")
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, `{"text":"the quick brown fox"},`+"\n")
			_ = http.NewResponseController(w).Flush()
		}
	}))
	a := b.pair(granting(policy.Limit{Per: policy.Day, Tokens: 2000}))
	got := a.post(streamed)
	if got.status != 200 || got.err == nil || len(got.body) < 100 {
		t.Errorf("%d, %v, %d bytes", got.status, got.err, len(got.body))
	}
	if used := a.settled(policy.Tokens); used > 2000 || used < 1000 {
		t.Errorf("settled at %d", used)
	}
	if ended := b.recorded(audit.RequestEnded, got.id()); len(ended) != 1 || ended[0].Code != policy.CodeTokenBudgetSpent {
		t.Errorf("audit: %+v", ended)
	}
}

// An answer that cannot be cut in the middle is asked to be no longer than the
// budget can pay for.
func TestOutputCapIsWhatTheBudgetCanPayFor(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		granted policy.Limit
		body    string
		most    int64 // output tokens that the limit leaves room for
	}{
		{"tokens", policy.Limit{Per: policy.Day, Tokens: 400}, question, 400},
		{"dollars", policy.Limit{Per: policy.Day, Dollars: dollars("4")}, question, 400},
		{"asked for more", policy.Limit{Per: policy.Day, Tokens: 400}, strings.Replace(question, "{", `{"max_tokens":5000,`, 1), 400},
		{"for each choice", policy.Limit{Per: policy.Day, Tokens: 800}, strings.Replace(question, "{", `{"n":2,`, 1), 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t).priced()
			a := b.pair(granting(row.granted))
			if got := a.post(row.body); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
			limit := sentCap(t, b.fake.Requests()[0].Body)
			if limit <= row.most/2 || limit > row.most {
				t.Errorf("the provider was asked for at most %d tokens", limit)
			}
		})
	}
	t.Run("asked for less", func(t *testing.T) {
		t.Parallel()
		b := newBench(t).priced()
		a := b.pair(granting(policy.Limit{Per: policy.Day, Tokens: 400}))
		if got := a.post(strings.Replace(question, "{", `{"max_tokens":3,`, 1)); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		if limit := sentCap(t, b.fake.Requests()[0].Body); limit != 3 {
			t.Errorf("the provider was asked for at most %d tokens", limit)
		}
	})
}

// sentCap is the smallest output cap in a request.
func sentCap(t *testing.T, body []byte) int64 {
	t.Helper()
	var sent struct {
		New int64 `json:"max_completion_tokens"`
		Old int64 `json:"max_tokens"`
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatal(err)
	}
	if sent.New == 0 || sent.Old != 0 && sent.Old < sent.New {
		return sent.Old
	}
	return sent.New
}

// One model's limit is none of another's; one over all counts both.
func TestTwoModels(t *testing.T) {
	t.Parallel()
	b := newBench(t).priced()
	a := b.pair(granting(
		policy.Limit{Per: policy.Day, Model: "gpt-4o", Tokens: 600},
		policy.Limit{Per: policy.Lifetime, Tokens: 1200},
	))
	ask := func(model string) result {
		return a.post(fmt.Sprintf(`{"model":%q,"max_tokens":20,"messages":[{"role":"user","content":"say"}]}`, model))
	}
	answers := map[string][]string{}
	for range 60 {
		for _, model := range []string{"gpt-4o", "gpt-4o-mini"} {
			if got := ask(model); got.status != 200 {
				answers[model] = append(answers[model], got.code())
			}
		}
	}
	for model, codes := range answers {
		if len(codes) == 0 || codes[0] != policy.CodeTokenBudgetSpent {
			t.Errorf("%s: %v", model, codes)
		}
	}
	if len(answers["gpt-4o"]) <= len(answers["gpt-4o-mini"]) {
		t.Errorf("gpt-4o was refused %d times, the other %d times", len(answers["gpt-4o"]), len(answers["gpt-4o-mini"]))
	}
	permission, err := a.pairing.Permission(a.id, resource)
	b.must(err)
	for _, l := range b.ledger.Limits(permission.ID, permission.Document) {
		if l.Used > l.Limit || l.Held != 0 || l.Used < l.Limit/2 {
			t.Errorf("%+v", l)
		}
	}
}

// Money that running requests hold comes back soon; money that is spent comes
// back tomorrow. An app is told which.
func TestHeldIsNotSpent(t *testing.T) {
	t.Parallel()
	b := newBench(t).priced()
	b.fake.Script(openaifake.Fault{Hang: true, Times: 1})
	a := b.pair(granting(policy.Limit{Per: policy.Day, Dollars: dollars("2.50")}))
	first := make(chan result)
	r := a.request("POST", chatPath, question)
	go func() { first <- b.do(r) }()
	b.eventually("the provider has the request", func() bool { return b.fake.Running() == 1 })
	got := a.post(question)
	if got.status != 429 || got.code() != policy.CodeBudgetHeld || got.header.Get("Retry-After") != "1" {
		t.Errorf("while it runs: %d %v %s", got.status, got.header, got.body)
	}
	b.proxy.CutAll("frozen") // nobody knows what it cost
	<-first
	if used := a.settled(policy.NanoDollars); used < 2.4e9 || used > 2.5e9 {
		t.Errorf("settled at %d", used)
	}
	got = a.post(question)
	seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
	if got.status != 429 || got.code() != policy.CodeDollarBudgetSpent || err != nil || seconds < 1 || seconds > 25*3600 {
		t.Errorf("afterwards: %d %v %s", got.status, got.header, got.body)
	}
	reset, err := strconv.ParseInt(got.header.Get("X-RateLimit-Reset"), 10, 64)
	if left := time.Unix(reset, 0).Sub(b.clock.now()); err != nil || left <= 0 || left > 25*time.Hour {
		t.Errorf("resets in %v, %v", left, err)
	}
	for name, want := range map[string]string{"X-RateLimit-Limit": "2.50", "X-RateLimit-Unit": "dollars"} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q", name, got.header.Get(name))
		}
	}
	if left, err := policy.ParseDollars(got.header.Get("X-RateLimit-Remaining")); err != nil || left < 0 || left > dollars("0.10") {
		t.Errorf("remaining: %q, %v", got.header.Get("X-RateLimit-Remaining"), err)
	}
}

func TestUnpricedModel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(granting(policy.Limit{Per: policy.Day, Dollars: dollars("1")}))
	const unheardOf = `{"model":"gpt-unheard-of","messages":[{"role":"user","content":"say it"}]}`
	if got := a.post(unheardOf); got.status != 403 || got.code() != policy.CodeModelUnpriced || b.reached() != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
	b.must(b.prices.Set(resource, "gpt-unheard-of", price.Override{Input: 1, Output: 1}))
	if got := a.post(unheardOf); got.code() == policy.CodeModelUnpriced || b.reached() != 1 {
		t.Errorf("with a price: %d %s", got.status, got.body)
	}
	if got := a.do(a.request("GET", "/r/llm/openai/v1/models", "")); got.status != 200 {
		t.Errorf("listing models: %d %s", got.status, got.body)
	}
}

// What the provider reports is charged at the table's prices, and told.
func TestChargedAsReported(t *testing.T) {
	t.Parallel()
	for _, body := range []string{question, streamed} {
		b := newBench(t).priced()
		a := b.pair(granting(policy.Limit{Per: policy.Day, Dollars: dollars("20"), Tokens: 100_000, Requests: 5}))
		got := a.post(body)
		ended := b.recorded(audit.RequestEnded, got.id())
		if got.status != 200 || len(ended) != 1 || ended[0].Usage == nil {
			t.Fatalf("%d %s, audit %+v", got.status, got.body, ended)
		}
		u := ended[0].Usage
		if want := u.InputTokens*100_000 + 9*10_000_000; u.OutputTokens != 9 || u.Estimated || u.CostNanoDollars != want || a.settled(policy.NanoDollars) != want {
			t.Errorf("%+v, settled at %d, want %d", u, a.settled(policy.NanoDollars), want)
		}
		if used := a.settled(policy.Tokens); used != u.InputTokens+9 {
			t.Errorf("%d tokens", used)
		}
		if bytes.Contains(got.body, []byte("estimated")) {
			t.Errorf("answer: %s", got.body)
		}
	}
}

// The input cap is held against a close estimate: text that is long in bytes
// and short in tokens passes.
func TestInputCap(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ask := func(text string) string {
		return fmt.Sprintf(`{"model":"gpt-4o","max_tokens":5,"messages":[{"role":"user","content":%q}]}`, text)
	}
	a := b.pair(policy.Document{Resource: resource, MaxInputTokens: 1000})
	if got := a.post(ask(strings.Repeat(" tokens", 800))); got.status != 200 {
		t.Errorf("5,600 bytes of about 800 tokens: %d %s", got.status, got.body)
	}
	if got := a.post(ask(strings.Repeat(" tokens", 1100))); got.status != 403 || got.code() != policy.CodeInputCapExceeded || b.reached() != 1 {
		t.Errorf("about 1,100 tokens: %d %s", got.status, got.body)
	}
}

// A model of which nothing is known may think where nobody sees it: its streams
// hold all that they may cost from the start.
func TestUnknownModelsHoldTheirOutput(t *testing.T) {
	t.Parallel()
	const body = `{"model":"o9-unknown","stream":true,"messages":[{"role":"user","content":"say it"}]}`
	gate := make(chan struct{})
	b := newBench(t, behind(func(w http.ResponseWriter, r *http.Request) {
		asked := struct {
			Most int64 `json:"max_completion_tokens"`
		}{}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Most == 0 {
			asked.Most = 60_000 // thought, and nobody said how long at most
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-gate
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"42\"},\"finish_reason\":\"stop\"}]}\n\n"+
			"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", asked.Most)
	}))
	const cap = 50_000
	a := b.pair(granting(policy.Limit{Per: policy.Day, Tokens: cap}))
	var all sync.WaitGroup
	for range 12 {
		r := a.request("POST", chatPath, body)
		all.Go(func() { _ = b.do(r) })
	}
	b.eventually("no more fit", func() bool { return b.proxy.Running() == int(b.reached()) && b.reached() > 0 })
	close(gate)
	all.Wait()
	if used := a.settled(policy.Tokens); used > cap {
		t.Errorf("settled at %d of %d", used, cap)
	}
}
