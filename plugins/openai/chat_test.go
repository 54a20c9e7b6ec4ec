package openai

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	sdk "github.com/openai/openai-go/v3"

	"github.com/keywicket/keywicket/plugins"
)

func TestChatFacts(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct {
		name, members string
		want          plugins.Facts
	}{
		{"nothing more", ``, plugins.Facts{Choices: 1}},
		{"nulls count as absent", `,"stream":null,"n":null,"max_tokens":null,"max_completion_tokens":null,"tools":null,"functions":null,"stream_options":null,"web_search_options":null`, plugins.Facts{Choices: 1}},
		{"max_tokens", `,"max_tokens":5`, plugins.Facts{Choices: 1, OutputTokens: 5}},
		{"max_completion_tokens", `,"max_completion_tokens":6`, plugins.Facts{Choices: 1, OutputTokens: 6}},
		{"the larger cap counts", `,"max_completion_tokens":6,"max_tokens":5`, plugins.Facts{Choices: 1, OutputTokens: 6}},
		{"in either order", `,"max_completion_tokens":6,"max_tokens":7`, plugins.Facts{Choices: 1, OutputTokens: 7}},
		{"choices", `,"n":128`, plugins.Facts{Choices: 128}},
		{"empty tools", `,"tools":[],"functions":[]`, plugins.Facts{Choices: 1}},
		{"tools", `,"tools":[{}]`, plugins.Facts{Choices: 1, Tools: true}},
		{"a tool of the provider's", `,"tools":[{"type":"live_search"}]`, plugins.Facts{Choices: 1, Tools: true, InputUnknown: true}},
		{"functions", `,"functions":[{}]`, plugins.Facts{Choices: 1, Tools: true}},
		{"web search", `,"web_search_options":{}`, plugins.Facts{Choices: 1, Tools: true, InputUnknown: true}},
		{"members that say nothing here", `,"temperature":0.1,"top_k":5,"metadata":{"model":"other"}`, plugins.Facts{Choices: 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			body := `{"model":"ft:gpt-4o:org/x@1","messages":[]` + row.members + `}`
			call, err := p.Describe(chatRequest(body))
			if err != nil {
				t.Fatal(err)
			}
			row.want.Action, row.want.Model, row.want.InputTokens = ChatCompletions, "ft:gpt-4o:org/x@1", int64(len(body))
			if call.Facts != row.want {
				t.Errorf("got %+v, want %+v", call.Facts, row.want)
			}
			if call.Method != http.MethodPost || call.Path != "/chat/completions" || call.RawQuery != "" {
				t.Errorf("goes to %s %s?%s", call.Method, call.Path, call.RawQuery)
			}
		})
	}
}

func TestChatRefuses(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct{ members, param string }{
		{`"messages":[]`, "model"},
		{`"model":"a","stream":"true"`, "stream"},
		{`"model":"a","stream":1`, "stream"},
		{`"model":"a","n":0`, "n"},
		{`"model":"a","n":129`, "n"},
		{`"model":"a","n":-1`, "n"},
		{`"model":"a","n":1.5`, "n"},
		{`"model":"a","n":"2"`, "n"},
		{`"model":"a","max_tokens":0`, "max_tokens"},
		{`"model":"a","max_tokens":-5`, "max_tokens"},
		{`"model":"a","max_tokens":1e3`, "max_tokens"},
		{`"model":"a","max_tokens":"5"`, "max_tokens"},
		{`"model":"a","max_tokens":99999999999999999999`, "max_tokens"},
		{`"model":"a","max_completion_tokens":[5]`, "max_completion_tokens"},
		{`"model":"a","maxTokens":5`, "maxTokens"},
		{`"model":"a","max_tokenS":5`, "max_tokenS"},
		{`"model":"a","Stream":true`, "Stream"},
		{`"model":"a","N":5`, "N"},
		{`"model":"a","tools":{}`, "tools"},
		{`"model":"a","functions":"x"`, "functions"},
		{`"model":"a","Tools":[{}]`, "Tools"},
		{`"model":"a","stream_options":[]`, "stream_options"},
		{`"model":"a","stream":true,"stream_options":{"include_usage":"yes"}`, "include_usage"},
		{`"model":"a","stream":true,"stream_options":{"Include_Usage":false}`, "Include_Usage"},
		{`"model":"a","models":["b"]`, "models"},
		{`"model":"a","fallbacks":["b"]`, "fallbacks"},
		{`"model":"a","engine":"b"`, "engine"},
		{`"model":"a","api_base":"http://example.com"`, "api_base"},
		{`"model":"a","apiBase":"http://example.com"`, "apiBase"},
		{`"model":"a","base_url":"http://example.com"`, "base_url"},
		{`"model":"a","api_key":"k"`, "api_key"},
		{`"model":"a","extra_headers":{}`, "extra_headers"},
		{`"model":"a","search_parameters":{"mode":"on"}`, "search_parameters"},
		{`"model":"a","plugins":[{"id":"web"}]`, "plugins"},
		{`"model":"a","preset":"@preset/o3"`, "preset"},
		{`"model":"a","provider":{"only":["x"]}`, "provider"},
		{`"model":"a","route":"fallback"`, "route"},
		{`"model":"a","user_config":{"model_list":[]}`, "user_config"},
		{`"model":"a","data_sources":[{}]`, "data_sources"},
		{`"model":"a","n_predict":100000`, "n_predict"},
		{`"model":"a","max_output_tokens":100000`, "max_output_tokens"},
		{`"model":"a","min_tokens":5000`, "min_tokens"},
		{`"model":"a","x_new":null`, "x_new"},
		{`"model":"a","":1`, ""},
		{`"model":"a","Messages":[]`, "Messages"},
	} {
		t.Run(row.members, func(t *testing.T) {
			t.Parallel()
			_, err := p.Describe(chatRequest("{" + row.members + "}"))
			var refused *plugins.Error
			if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Param != row.param {
				t.Errorf("got %#v, want 400 that names %s", err, row.param)
			}
		})
	}
}

func TestPathsAndQueries(t *testing.T) {
	t.Parallel()
	p := provider(t)
	describe := func(path, query string) (*plugins.Call, error) {
		r := chatRequest(`{"model":"a"}`)
		r.Path, r.RawQuery = path, query
		return p.Describe(r)
	}
	for _, path := range []string{"/chat/completions", "/v1/chat/completions"} {
		for _, query := range []string{"", "api-version=2024-10-21", "beta=true&x"} {
			call, err := describe(path, query)
			if err != nil || call.Path != "/chat/completions" || call.RawQuery != "" {
				t.Errorf("%s?%s: %+v, %v", path, query, call, err)
			}
		}
	}
	for _, query := range []string{"model=b", "Model=b", "mod%65l=b", "x=1&model=b", "stream=true", "max-tokens=9", "api_base=x", "a;b", "%zz", strings.Repeat("x&", 4000)} {
		var refused *plugins.Error
		if _, err := describe("/chat/completions", query); !errors.As(err, &refused) || refused.Code != plugins.CodeInvalidRequest {
			t.Errorf("?%s: got %v", query, err)
		}
	}
	for _, path := range []string{"/responses/resp_1", "/responses/resp_1/cancel", "/v1/responses/resp_1/input_items", "/v1/images/variations", "/v1/realtime", "/v1/chat/completions/x", "/v1/files", "/v1/organization/admin_api_keys", "/chat", "/v1/v1/models"} {
		var refused *plugins.Error
		if _, err := describe(path, ""); !errors.As(err, &refused) || refused.Code != plugins.CodeUnsupportedEndpoint {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if _, err := p.Describe(plugins.Request{Method: http.MethodGet, Path: "/models", Body: []byte("{}")}); err == nil {
		t.Error("a body on GET /models is accepted")
	}
}

func TestStreamAsksForUsage(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct {
		in, want string
		drops    bool
	}{
		{`{ "model":"a", "stream":true }`, `{ "model":"a", "stream":true,"stream_options":{"include_usage":true} }`, true},
		{`{"model":"a","stream_options":null,"stream":true}`, `{"model":"a","stream_options":{"include_usage":true},"stream":true}`, true},
		{`{"model":"a","stream_options":{"include_usage": false, "include_obfuscation":false},"stream":true}`,
			`{"model":"a","stream_options":{"include_usage": true, "include_obfuscation":false},"stream":true}`, true},
		{`{"model":"a","stream_options":{"x":1},"stream":true}`, `{"model":"a","stream_options":{"x":1,"include_usage":true},"stream":true}`, true},
		{`{"model":"a","stream_options":{"include_usage":true},"stream":true}`, "", false},
		{`{"model":"a","stream":false}`, "", false},
		{`{"model":"a","stream_options":{"include_usage":false}}`, "", false},
	} {
		if row.want == "" {
			row.want = row.in
		}
		call, err := p.Describe(chatRequest(row.in))
		if err != nil {
			t.Fatal(err)
		}
		if string(call.Body) != row.want {
			t.Errorf("%s became %s, want %s", row.in, call.Body, row.want)
		}
		if got := p.NewMeter(call).Event([]byte(usageChunk)) == nil; got != row.drops {
			t.Errorf("%s: drops the usage chunk: %v, want %v", row.in, got, row.drops)
		}
	}
}

// Only the extra chunk is ours to drop.
func TestStreamForwardsUsageThatCameWithMore(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for name, event := range map[string]string{
		"with choices":        `data: {"choices":[{"index":0}],"usage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\n",
		"without the member":  `data: {"usage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\n",
		"choices null":        `data: {"choices":null,"usage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\n",
		"in several lines":    "data: {\"choices\":[{}],\ndata: \"usage\":{\"prompt_tokens\":1,\ndata: \"completion_tokens\":2}}\n\n",
		"with CRLF and an id": "id: 7\r\ndata: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\r\n\r\n",
	} {
		call, err := p.Describe(chatRequest(`{"model":"a","stream":true}`))
		if err != nil {
			t.Fatal(err)
		}
		meter := p.NewMeter(call)
		if got := meter.Event([]byte(event)); string(got) != event {
			t.Errorf("%s: became %q", name, got)
		}
		if usage, ok := meter.Usage(); !ok || usage.InputTokens != 1 || usage.OutputTokens != 2 {
			t.Errorf("%s: usage %+v, %v", name, usage, ok)
		}
	}
	call, _ := p.Describe(chatRequest(`{"model":"a","stream":true}`))
	filtered := `data: {"choices":[],"prompt_filter_results":[],"usage":null}` + "\n\n"
	if got := p.NewMeter(call).Event([]byte(filtered)); string(got) != filtered {
		t.Errorf("an empty chunk without usage was dropped")
	}
}

func TestUsageIsTheLargestTotal(t *testing.T) {
	t.Parallel()
	p := provider(t)
	call, _ := p.Describe(chatRequest(`{"model":"a","stream":true}`))
	meter := p.NewMeter(call)
	for _, usage := range []string{
		`{"prompt_tokens":10,"completion_tokens":1}`, `{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":99}}`,
		`null`, `{"prompt_tokens":0,"completion_tokens":-7}`, `{}`,
	} {
		meter.Event([]byte(`data: {"choices":[{}],"usage":` + usage + "}\n\n"))
	}
	want := plugins.Usage{InputTokens: 10, CachedTokens: 10, OutputTokens: 5}
	if usage, ok := meter.Usage(); !ok || usage != want {
		t.Errorf("got %+v, %v; want %+v", usage, ok, want)
	}
}

func TestUsageAtTheEndOfALongAnswer(t *testing.T) {
	t.Parallel()
	p := provider(t)
	call, _ := p.Describe(chatRequest(`{"model":"a"}`))
	meter := p.NewMeter(call)
	meter.Body([]byte(`{"choices":[{"message":{"content":"`))
	for range 500 {
		meter.Body([]byte(strings.Repeat("lots of words ", 1000)))
	}
	meter.Body([]byte(`"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`))
	if usage, ok := meter.Usage(); !ok || usage.OutputTokens != 4 {
		t.Errorf("got %+v, %v", usage, ok)
	}
}

func TestOutputCapIsWrittenInTheClientsSpelling(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct{ in, want string }{
		{`{"model":"a"}`, `{"model":"a","max_completion_tokens":9}`},
		{`{"model":"a","max_tokens":100}`, `{"model":"a","max_tokens":9}`},
		{`{"model":"a", "max_completion_tokens" : 100 , "seed":1}`, `{"model":"a", "max_completion_tokens" : 9 , "seed":1}`},
		{`{"max_tokens":100,"max_completion_tokens":50,"model":"a"}`, `{"max_tokens":9,"max_completion_tokens":9,"model":"a"}`},
		{`{"max_tokens":3,"max_completion_tokens":50,"model":"a"}`, `{"max_tokens":3,"max_completion_tokens":9,"model":"a"}`},
		{`{"model":"a","max_tokens":3}`, `{"model":"a","max_tokens":3}`},
		{`{"model":"a","max_completion_tokens":null}`, `{"model":"a","max_completion_tokens":9}`},
		{`{"model":"a","max_tokens":null}`, `{"model":"a","max_tokens":null,"max_completion_tokens":9}`},
	} {
		call, err := p.Describe(chatRequest(row.in))
		if err != nil {
			t.Fatal(err)
		}
		if err := call.SetOutputCap(9); err != nil {
			t.Fatal(err)
		}
		if string(call.Body) != row.want {
			t.Errorf("%s became %s, want %s", row.in, call.Body, row.want)
		}
	}
}

// A server that reads one spelling only must find the cap in it.
func TestOutputCapInEverySpelling(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct{ in, want string }{
		{`{"model":"a","max_tokens":100}`, `{"model":"a","max_tokens":100,"max_completion_tokens":100}`},
		{`{"model":"a","max_completion_tokens":1}`, `{"model":"a","max_completion_tokens":1,"max_tokens":1}`},
		{`{"model":"a","max_tokens":null,"max_completion_tokens":7}`, `{"model":"a","max_tokens":7,"max_completion_tokens":7}`},
		{`{"model":"a","max_tokens":3,"max_completion_tokens":7}`, ``},
		{`{"model":"a","max_tokens":null}`, ``},
		{`{"model":"a"}`, ``},
	} {
		if row.want == "" {
			row.want = row.in
		}
		call, err := p.Describe(chatRequest(row.in))
		if err != nil {
			t.Fatal(err)
		}
		if err := call.SpellOutputCap(); err != nil || string(call.Body) != row.want {
			t.Errorf("%s became %s, want %s (%v)", row.in, call.Body, row.want, err)
		}
	}
	call, err := p.Describe(plugins.Request{Method: http.MethodGet, Path: "/models"})
	if err != nil || call.SpellOutputCap() != nil || call.Body != nil {
		t.Errorf("listing models: %+v, %v", call, err)
	}
}

// What OpenAI's own SDK can say, an app can say too.
func TestEveryDocumentedMemberIsForwarded(t *testing.T) {
	t.Parallel()
	params := reflect.TypeFor[sdk.ChatCompletionNewParams]()
	n := 0
	for i := range params.NumField() {
		name, _, _ := strings.Cut(params.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		if n++; !slices.Contains(members(ChatCompletions), name) {
			t.Errorf("%s is refused", name)
		}
	}
	if n < 30 {
		t.Errorf("the SDK has only %d members", n)
	}
}

func TestManifestOnlyNarrows(t *testing.T) {
	t.Parallel()
	m := provider(t).Manifest()
	m.Actions = m.Actions[1:]
	p, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Describe(chatRequest(`{"model":"a"}`)); err == nil {
		t.Error("an action the manifest leaves out is open")
	}
	for name, action := range map[string]plugins.Action{
		"unknown action":   {Name: "files.list", Method: "GET", Path: "/files"},
		"another endpoint": {Name: ModelsList, Method: "GET", Path: "/files"},
		"another method":   {Name: ModelsList, Method: "DELETE", Path: "/models"},
	} {
		m.Actions = []plugins.Action{action}
		var refused *plugins.ManifestError
		if _, err := New(m); !errors.As(err, &refused) || refused.Member != "actions.0" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	m.Dialect = "anthropic"
	if _, err := New(m); err == nil {
		t.Error("a manifest for another dialect is accepted")
	}
}

// FuzzDescribe holds what is sent upstream against encoding/json's reading of
// it: a lenient server must see the model, the stream flag and the cap that the
// policy saw.
func FuzzDescribe(f *testing.F) {
	p := provider(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		call, err := p.Describe(chatRequest(string(body)))
		if err != nil {
			return
		}
		if err := call.SetOutputCap(77); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var seen struct {
			Model         string `json:"model"`
			Stream        bool   `json:"stream"`
			N             int64  `json:"n"`
			MaxTokens     int64  `json:"max_tokens"`
			MaxCompletion int64  `json:"max_completion_tokens"`
			StreamOptions struct {
				IncludeUsage bool `json:"include_usage"`
			} `json:"stream_options"`
			Tools     []any `json:"tools"`
			Functions []any `json:"functions"`
		}
		if err := json.Unmarshal(call.Body, &seen); err != nil {
			t.Fatalf("%q: a server cannot read it: %v", call.Body, err)
		}
		facts := call.Facts
		if seen.Model != facts.Model || seen.Stream != facts.Stream || max(seen.N, 1) != facts.Choices {
			t.Fatalf("%q: a server sees %+v, the policy saw %+v", call.Body, seen, facts)
		}
		if err := call.SpellOutputCap(); err != nil {
			t.Fatalf("%q: %v", call.Body, err)
		}
		var spelt struct {
			MaxTokens     int64 `json:"max_tokens"`
			MaxCompletion int64 `json:"max_completion_tokens"`
		}
		if err := json.Unmarshal(call.Body, &spelt); err != nil || min(spelt.MaxTokens, spelt.MaxCompletion) < 1 || max(spelt.MaxTokens, spelt.MaxCompletion) > 77 {
			t.Fatalf("%q: a server may miss the cap: %+v, %v", call.Body, spelt, err)
		}
		if asks := max(seen.MaxTokens, seen.MaxCompletion); asks < 1 || asks > 77 || asks != facts.OutputTokens {
			t.Fatalf("%q: a server may give %d tokens, the policy saw %d", call.Body, asks, facts.OutputTokens)
		}
		if facts.Stream && !seen.StreamOptions.IncludeUsage {
			t.Fatalf("%q: a stream without usage", call.Body)
		}
		if len(seen.Tools)+len(seen.Functions) > 0 && !facts.Tools {
			t.Fatalf("%q: tools unseen", call.Body)
		}
	})
}
