package proxy

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

const unifiedChat = "/v1/chat/completions"

func asking(model string) string {
	return `{"model":"` + model + `","messages":[{"role":"user","content":"say it"}]}`
}

// alias names a model; targets are provider/model.
func (b *bench) alias(name string, targets ...string) {
	b.Helper()
	a := providers.Alias{Name: name}
	for _, text := range targets {
		target, err := providers.ParseTarget(text)
		b.must(err)
		a.Targets = append(a.Targets, target)
	}
	b.must(b.book.SetAlias(a))
}

// namedKey is a key with the name of its resource.
func (b *bench) namedKey(resource string) *place {
	b.Helper()
	return b.addKey(resource, strings.ReplaceAll(resource, ":", "-"), vault.Arrangement{}, nil)
}

func TestTheModelsNameFindsTheProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	openai, groq := b.namedKey(resource), b.namedKey("llm:groq")
	openai.says(served("from openai"))
	groq.says(served("from groq"))
	b.alias("fast", "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini")
	a := b.pair(policy.Document{Resource: resource, Models: []string{"gpt-*"}}, policy.Document{Resource: "llm:groq"})
	for model, want := range map[string]string{
		"openai/gpt-4o-mini": "openai", "groq/llama-3.3-70b-versatile": "groq", "fast": "groq", "llama-3.3-70b-versatile": "groq",
		"groq/openai/gpt-oss-120b": "groq",
	} {
		got := b.do(a.request("POST", unifiedChat, asking(model)))
		wants(t, got, "from "+want)
		ended := b.recorded(audit.RequestEnded, got.id())
		if len(ended) != 1 || ended[0].Resource != "llm:"+want || strings.HasPrefix(ended[0].Model, want+"/") || ended[0].Model == "fast" {
			t.Errorf("%s: %+v", model, ended)
		}
	}
	for model, want := range map[string]struct {
		status int
		code   string
	}{
		"openai/o3":    {403, "model_not_allowed"},
		"who/knows":    {403, "model_not_allowed"},
		"anthropic/x":  {403, "resource_not_granted"},
		"no-such-name": {403, "model_not_allowed"},
		"":             {400, "invalid_request"},
	} {
		if got := b.do(a.request("POST", unifiedChat, asking(model))); got.status != want.status || got.code() != want.code {
			t.Errorf("%q: %d %s", model, got.status, got.body)
		}
	}
}

// Nothing of a body changes but the model.
func TestOnlyTheModelIsRewritten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	body := `{ "messages" : [{"role":"user","content":"say \u00e9"}] , "model":"openai/gpt-4o-mini", "max_tokens": 9 }`
	if got := b.do(a.request("POST", unifiedChat, body)); got.status != 200 {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	if sent := string(b.fake.Requests()[0].Body); sent != strings.Replace(body, "openai/gpt-4o-mini", "gpt-4o-mini", 1) {
		t.Errorf("sent %s", sent)
	}
	for name, body := range map[string]string{
		"twice": `{"model":"openai/gpt-4o-mini","model":"groq/x","messages":[]}`, "in capitals": `{"Model":"openai/gpt-4o-mini","messages":[]}`,
		"null": `{"model":null,"messages":[]}`, "a number": `{"model":1,"messages":[]}`, "no object": `[]`, "nothing": ``,
	} {
		r := a.request("POST", unifiedChat, body)
		r.Header.Set("Content-Type", "application/json")
		if got := b.do(r); got.status != 400 || got.code() != "invalid_request" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if b.reached() != 1 {
		t.Errorf("the provider was asked %d times", b.reached())
	}
}

// An alias goes on to its next target as a resource does to its next key, and
// each is held against the policy.
func TestAnAliasFallsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	groq, openai := b.namedKey("llm:groq"), b.namedKey(resource)
	openai.says(served("from openai"))
	b.alias("fast", "groq/llama-3.3-70b-versatile", "openai/o3", "openai/gpt-4o-mini")
	limits := []policy.Limit{{Per: policy.Lifetime, Requests: 50}}
	a := b.pair(policy.Document{Resource: resource, Models: []string{"gpt-*"}, Limits: limits, Concurrency: 1},
		policy.Document{Resource: "llm:groq", Limits: limits, Concurrency: 1})
	used := func(resource string) int64 {
		p, err := b.pairing.Permission(a.id, resource)
		b.must(err)
		l := b.ledger.Limits(p.ID, p.Document)[0]
		if l.Held != 0 {
			t.Errorf("%s holds %d", resource, l.Held)
		}
		return l.Used
	}
	for i, h := range []http.HandlerFunc{fails(500), fails(429), hangsUp} {
		groq.says(h)
		got := b.do(a.request("POST", unifiedChat, asking("fast")))
		wants(t, got, "from openai")
		if used("llm:groq") != 0 || used(resource) != int64(i+1) {
			t.Errorf("used %d and %d", used("llm:groq"), used(resource))
		}
		ended := b.recorded(audit.RequestEnded, got.id())
		if len(ended) != 1 || ended[0].Resource != resource || ended[0].Model != "gpt-4o-mini" || !strings.Contains(ended[0].Detail, "llm:groq") {
			t.Errorf("audit: %+v", ended)
		}
		b.clock.advance(time.Minute)
	}
	groq.says(fails(400))
	if got := b.do(a.request("POST", unifiedChat, asking("fast"))); got.status != 400 {
		t.Errorf("%d: %s", got.status, got.body)
	}
	groq.says(fails(503))
	openai.says(fails(502))
	if got := b.do(a.request("POST", unifiedChat, asking("fast"))); got.status != 502 || got.code() != "its_own" {
		t.Errorf("%d: %s", got.status, got.body)
	}
	before := used(resource)
	b.must(b.vault.RemoveCredential(groq.ID))
	openai.says(served("from openai"))
	wants(t, b.do(a.request("POST", unifiedChat, asking("fast"))), "from openai")
	if used(resource) != before+1 {
		t.Errorf("used %d after %d", used(resource), before)
	}
}

// Two models of one provider need no second key.
func TestAnAliasWithinAProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	openai := b.namedKey(resource)
	b.alias("fast", "openai/gpt-4o", "openai/gpt-4o-mini")
	a := b.pair(anything())
	for _, status := range []int{500, 429} {
		openai.says(func(w http.ResponseWriter, r *http.Request) {
			openai.says(served("from the second"))
			fails(status)(w, r)
		})
		wants(t, b.do(a.request("POST", unifiedChat, asking("fast"))), "from the second")
	}
}

// No target gets a byte before the audit log has taken a line about it.
func TestEachTargetIsAnnounced(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	groq, openai := b.namedKey("llm:groq"), b.namedKey(resource)
	groq.says(fails(500))
	openai.says(served("from openai"))
	b.alias("fast", "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini")
	limits := []policy.Limit{{Per: policy.Lifetime, Requests: 5}}
	a := b.pair(policy.Document{Resource: resource, Limits: limits}, policy.Document{Resource: "llm:groq", Limits: limits})
	got := b.do(a.request("POST", unifiedChat, asking("fast")))
	wants(t, got, "from openai")
	started := b.recorded(audit.RequestStarted, got.id())
	if len(started) != 2 || started[0].Resource != "llm:groq" || started[1].Resource != resource || started[1].Model != "gpt-4o-mini" ||
		started[1].PermissionID == started[0].PermissionID {
		t.Errorf("announced: %+v", started)
	}
	groq.says(func(w http.ResponseWriter, r *http.Request) {
		b.must(b.audit.Close())
		fails(500)(w, r)
	})
	got = b.do(a.request("POST", unifiedChat, asking("fast")))
	if got.status != 503 || got.code() != "audit_unavailable" || openai.asked.Load() != 1 {
		t.Errorf("%d %s, the second was asked %d times", got.status, got.code(), openai.asked.Load())
	}
	for resource, want := range map[string]int64{resource: 1, "llm:groq": 0} {
		p, err := b.pairing.Permission(a.id, resource)
		b.must(err)
		if l := b.ledger.Limits(p.ID, p.Document)[0]; l.Used != want || l.Held != 0 {
			t.Errorf("%s: used %d, held %d", resource, l.Used, l.Held)
		}
	}
}

// What the policy forbids is passed over, and told when there is nothing else.
func TestAnAliasWithinThePolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	openai := b.namedKey(resource)
	openai.says(served("from openai"))
	b.alias("good", "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini")
	a := b.pair(policy.Document{Resource: resource, Limits: []policy.Limit{{Per: policy.Lifetime, Requests: 1}}})
	wants(t, b.do(a.request("POST", unifiedChat, asking("good"))), "from openai")
	if got := b.do(a.request("POST", unifiedChat, asking("good"))); got.status != 403 || got.code() != "resource_not_granted" || openai.asked.Load() != 1 {
		t.Errorf("%d: %s", got.status, got.body)
	}
}

func TestMessagesOnTheOneAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	a := b.pair(policy.Document{Resource: "llm:anthropic"}, policy.Document{Resource: "llm:groq"})
	body := `{"model":"groq/llama-3.3-70b-versatile","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`
	got := b.do(a.request("POST", "/v1/messages", body))
	if got.status != 404 || !strings.Contains(string(got.body), `"type":"error"`) || !strings.Contains(string(got.body), "/v1/chat/completions") {
		t.Errorf("%d: %s", got.status, got.body)
	}
	got = b.do(a.request("POST", "/v1/messages", strings.Replace(body, "groq/llama-3.3-70b-versatile", "anthropic/claude-sonnet-4-5", 1)))
	if got.status != 502 || !strings.Contains(string(got.body), "stored no key") {
		t.Errorf("%d: %s", got.status, got.body)
	}
}

func TestModelsOnTheOneAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	b.alias("fast", "groq/llama-3.3-70b-versatile")
	b.alias("closed", "openai/o3")
	a := b.pair(policy.Document{Resource: resource, Models: []string{"gpt-4o-mini", "gpt-own"}}, policy.Document{Resource: "llm:groq", Models: []string{"llama-3.3*"}},
		policy.Document{Resource: "llm:anthropic"})
	ids := func(r *http.Request) []string {
		var list struct {
			Object  string
			HasMore *bool `json:"has_more"`
			Data    []struct{ ID string }
		}
		got := b.do(r)
		if err := json.Unmarshal(got.body, &list); err != nil || got.status != 200 || (list.Object == "list") == (list.HasMore != nil) {
			t.Fatalf("%d: %s", got.status, got.body)
		}
		var all []string
		for _, m := range list.Data {
			all = append(all, m.ID)
		}
		return all
	}
	all := ids(a.request("GET", "/v1/models", ""))
	for _, want := range []string{"fast", "openai/gpt-4o-mini", "openai/gpt-own", "groq/llama-3.3-70b-versatile"} {
		if !slices.Contains(all, want) {
			t.Errorf("%s is not in %v", want, all)
		}
	}
	if slices.Contains(all, "closed") || slices.Contains(all, "openai/o3") {
		t.Errorf("%v lists what is not allowed", all)
	}
	r := a.request("GET", "/v1/models", "")
	r.Header.Set("Anthropic-Version", "2023-06-01")
	for _, id := range ids(r) {
		if !strings.HasPrefix(id, "anthropic/") {
			t.Errorf("%s is listed for Anthropic's dialect", id)
		}
	}
	if n := len(b.events()); len(b.recorded(audit.RequestStarted, "")) != 0 || n == 0 {
		t.Error("a list was recorded as a request")
	}
	bare, err := http.NewRequest("GET", b.url+"/v1/models", nil)
	b.must(err)
	if got := b.do(bare); got.status != 401 {
		t.Errorf("without a token: %d", got.status)
	}
}

func TestOtherPathsOfTheOneAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.pair(anything())
	for _, ask := range []string{
		"POST /v1/models", "GET /v1/chat/completions", "POST /v1/images/generations", "POST /v1/chat/completions/", "POST /v1//chat/completions",
		"POST /v1/chat%2fcompletions", "GET /v1/models/x", "DELETE /v1/responses", "POST /v1/audio/transcriptions", "POST /v1/",
	} {
		method, path, _ := strings.Cut(ask, " ")
		if got := b.do(a.request(method, path, asking("openai/gpt-4o-mini"))); got.status != 404 || got.code() != "unsupported_endpoint" {
			t.Errorf("%s: %d %s", ask, got.status, got.body)
		}
	}
	if b.reached() != 0 {
		t.Errorf("the provider was asked %d times", b.reached())
	}
}

// An idempotency key is one request's, whichever provider that goes to.
func TestIdempotencyOnTheOneAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	b.namedKey(resource).says(served("from openai"))
	b.namedKey("llm:groq").says(served("from groq"))
	a := b.pair(anything(), policy.Document{Resource: "llm:groq"})
	send := func(model string) result {
		r := a.request("POST", unifiedChat, asking(model))
		r.Header.Set("Idempotency-Key", "k-1")
		return b.do(r)
	}
	wants(t, send("openai/gpt-4o-mini"), "from openai")
	if got := send("groq/llama-3.3-70b-versatile"); got.status != 409 {
		t.Errorf("%d: %s", got.status, got.body)
	}
}

const tickets = `{"id":"llm:openai","title":"Mine","base_url":"https://api.mine.example/v1","dialect":"openai",
	"credential":{"header":"Authorization","prefix":"Bearer "},"actions":[{"name":"chat.completions","method":"POST","path":"/chat/completions"}],
	"docs":"https://mine.example"}`

// A provider that the owner replaces or removes stops what is sent to it.
func TestAProviderThatChanges(t *testing.T) {
	t.Parallel()
	for _, path := range []string{chatPath, unifiedChat} {
		b := newBench(t)
		b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
		a := b.pair(anything())
		res, err := b.client().Do(a.request("POST", path, streamed))
		b.must(err)
		b.eventually("the provider streams", func() bool { return b.fake.Running() == 1 })
		b.own(tickets, true)
		rest, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !strings.Contains(string(rest), "replaced or removed") {
			t.Errorf("%v: %s", err, rest)
		}
		b.fake.Script(openaifake.Fault{})
		wants(t, a.post(question), "")
		b.must(b.book.Remove(resource))
		wants(t, a.post(question), "")
	}
}
