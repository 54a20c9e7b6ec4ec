package anthropic

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"

	"github.com/keywicket/keywicket/plugins"
)

const inside = `"model":"claude-x","max_tokens":9,"messages":[]`

func TestMessageFacts(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct {
		name, members string
		want          plugins.Facts // but for the action, the model and the input
		more          int64         // input tokens beyond the body's bytes
	}{
		{name: "nothing more"},
		{name: "nulls count as absent", members: `,"stream":null,"tools":null,"mcp_servers":null,"container":null,"thinking":null,"speed":null,"context_management":null,"output_config":null`},
		{name: "stream", members: `,"stream":true`, want: plugins.Facts{Stream: true}},
		{name: "empty tools", members: `,"tools":[],"mcp_servers":[]`},
		{name: "a tool", members: `,"tools":[{"name":"x","input_schema":{"model":"zz"}}]`, want: plugins.Facts{Tools: true}, more: 1024},
		{name: "a custom tool", members: `,"tools":[{"type":"custom","name":"x"}]`, want: plugins.Facts{Tools: true}, more: 1024},
		{name: "tools the client runs", members: `,"tools":[{"type":"bash_20250124"},{"type":"text_editor_20250728"},{"type":"computer_20250124"},{"type":"memory_20250818"}]`, want: plugins.Facts{Tools: true}, more: 5 * 1024},
		{name: "web search", members: `,"tools":[{"type":"web_search_20250305"}]`, want: plugins.Facts{Tools: true, InputUnknown: true}, more: 2048},
		{name: "web fetch", members: `,"tools":[{"type":"web_fetch_20250910"}]`, want: plugins.Facts{Tools: true, InputUnknown: true}, more: 2048},
		{name: "code execution", members: `,"tools":[{"type":"code_execution_20250825"}]`, want: plugins.Facts{Tools: true, InputUnknown: true}, more: 2048},
		{name: "a tool nobody knows", members: `,"tools":[{"type":"teleport_20300101"}]`, want: plugins.Facts{Tools: true, InputUnknown: true}, more: 2048},
		{name: "remote servers", members: `,"mcp_servers":[{"type":"url"}]`, want: plugins.Facts{Tools: true, InputUnknown: true}, more: 1024},
		{name: "a container", members: `,"container":"container_1"`, want: plugins.Facts{Tools: true, InputUnknown: true}, more: 1024},
		{name: "a container with skills", members: `,"container":{"skills":[{}]}`, want: plugins.Facts{Tools: true, InputUnknown: true}, more: 1024},
		{name: "a schema", members: `,"output_config":{"format":{"type":"json_schema"}}`, more: 1024},
		{name: "what costs the same", members: `,"speed":"standard","inference_geo":"global","service_tier":"auto"`},
		{name: "edits that take away", members: `,"context_management":{"edits":[{"type":"clear_tool_uses_20250919"},{"type":"clear_thinking_20251015"}]}`},
		{name: "members that say nothing here", members: `,"temperature":0.1,"top_k":5,"metadata":{"user_id":"u"},"stop_sequences":["x"],"cache_control":{"type":"ephemeral"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			body := "{" + inside + row.members + "}"
			call, err := p.Describe(messagesRequest(body))
			if err != nil {
				t.Fatal(err)
			}
			row.want.Action, row.want.Model, row.want.OutputTokens, row.want.Choices = Messages, "claude-x", 9, 1
			row.want.InputTokens = int64(len(body)) + row.more
			if !reflect.DeepEqual(call.Facts, row.want) {
				t.Errorf("got\n%+v, want\n%+v", call.Facts, row.want)
			}
			if call.Path != "/messages" || string(call.Body) != body {
				t.Errorf("%s became %s to %s", body, call.Body, call.Path)
			}
		})
	}
}

func TestMessagesRefuses(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct{ members, param string }{
		{`"max_tokens":9`, "model"},
		{`"model":"a"`, "max_tokens"},
		{`"model":"a","max_tokens":null`, "max_tokens"},
		{`"model":"a","max_tokens":-1`, "max_tokens"},
		{`"model":"a","max_tokens":00`, ""},
		{`"model":"a","max_tokens":-0`, "max_tokens"},
		{`"model":"a","max_tokens":"5"`, "max_tokens"},
		{`"model":"a","max_tokens":1e3`, "max_tokens"},
		{`"model":"a","max_tokens":5.0`, "max_tokens"},
		{`"model":"a","max_tokens":9999999999`, "max_tokens"},
		{inside + `,"stream":"true"`, "stream"},
		{inside + `,"Stream":true`, "Stream"},
		{inside + `,"maxTokens":5`, "maxTokens"},
		{inside + `,"max_tokens_to_sample":5`, "max_tokens_to_sample"},
		{inside + `,"tools":{}`, "tools"},
		{inside + `,"tools":["x"]`, "tools"},
		{inside + `,"tools":[{"type":7}]`, "tools"},
		{inside + `,"tools":[{"type":"advisor_20260301","name":"advisor","model":"claude-opus-4-5"}]`, "tools"},
		{inside + `,"tools":[{"name":"x","model":null}]`, "tools"},
		{inside + `,"fallbacks":[{"model":"claude-opus-4-5"}]`, "fallbacks"},
		{inside + `,"fallbacks":"default"`, "fallbacks"},
		{inside + `,"fallback_credit_token":"t"`, "fallback_credit_token"},
		{inside + `,"compaction":{"type":"enabled"}`, "compaction"},
		{inside + `,"context_management":{"edits":[{"type":"compact_20260112"}]}`, "context_management"},
		{inside + `,"context_management":[]`, "context_management"},
		{inside + `,"speed":"fast"`, "speed"},
		{inside + `,"speed":7`, "speed"},
		{inside + `,"inference_geo":"us"`, "inference_geo"},
		{inside + `,"mcp_servers":{}`, "mcp_servers"},
		{inside + `,"thinking":"enabled"`, "thinking"},
		{inside + `,"thinking":{"type":"enabled","budget_tokens":1e4}`, "budget_tokens"},
		{inside + `,"thinking":{"type":"enabled","Budget_Tokens":9000}`, "Budget_Tokens"},
		{inside + `,"models":["b"]`, "models"},
		{inside + `,"api_base":"http://example.com"`, "api_base"},
		{inside + `,"anthropic_version":"bedrock-2023-05-31"`, "anthropic_version"},
		{inside + `,"x_new":null`, "x_new"},
		{`"model":"a","max_tokens":1,"messages":{}`, "messages"},
		{`"model":"a","max_tokens":1,"messages":["x"]`, "messages"},
		{`"model":"a","max_tokens":1,"messages":[{"content":[7]}]`, "messages"},
		{`"model":"a","max_tokens":1,"messages":[{"content":[{"type":"tool_addition","tool":{"type":"tool_definition","definition":{"type":"advisor_20260301","model":"b"}}}]}]`, "messages"},
		{`"model":"a","max_tokens":1,"messages":[{"content":[{"type":"tool_result","content":[{"type":"tool_addition"}]}]}]`, "messages"},
		{`"model":"a","max_tokens":1,"messages":[],"system":[{"type":7}]`, "system"},
		{`"model":"a","max_tokens":1,"messages":[{"content":` + nested(9) + `}]`, "messages"},
	} {
		t.Run(row.members, func(t *testing.T) {
			t.Parallel()
			_, err := p.Describe(messagesRequest("{" + row.members + "}"))
			var refused *plugins.Error
			if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Param != row.param {
				t.Errorf("got %#v, want 400 that names %q", err, row.param)
			}
		})
	}
}

// nested is content of so many levels.
func nested(levels int) string {
	return strings.Repeat(`[{"type":"tool_result","content":`, levels) + `"x"` + strings.Repeat(`}]`, levels)
}

// Counting is free, so nothing is spent, whatever it is that is counted.
func TestCountFacts(t *testing.T) {
	t.Parallel()
	p := provider(t)
	call, err := p.Describe(post("/messages/count_tokens", `{"model":"claude-x","messages":[{"role":"user","content":[{"type":"document","source":{"type":"url"}}]}],"tools":[{"type":"web_search_20250305"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := (plugins.Facts{Action: CountTokens, Model: "claude-x", Tools: true}); !reflect.DeepEqual(call.Facts, want) {
		t.Errorf("got %+v, want %+v", call.Facts, want)
	}
	for _, member := range []string{`"max_tokens":5`, `"stream":true`, `"container":"c"`} {
		if _, err := p.Describe(post("/messages/count_tokens", `{"model":"claude-x","messages":[],`+member+`}`)); err == nil {
			t.Errorf("%s is accepted", member)
		}
	}
}

// What Anthropic's own SDK can say, an app can say too, but for what would
// reach another model or another price.
func TestEveryDocumentedMemberIsForwarded(t *testing.T) {
	t.Parallel()
	refused := []string{"fallbacks", "fallback_credit_token", "compaction"}
	for _, row := range []struct {
		params reflect.Type
		known  []string
		least  int
	}{
		{reflect.TypeFor[sdk.MessageNewParams](), messageMembers(), 18},
		{reflect.TypeFor[sdk.BetaMessageNewParams](), messageMembers(), 22},
		{reflect.TypeFor[sdk.MessageCountTokensParams](), countMembers(), 8},
		{reflect.TypeFor[sdk.BetaMessageCountTokensParams](), countMembers(), 10},
	} {
		n := 0
		for i := range row.params.NumField() {
			name, _, _ := strings.Cut(row.params.Field(i).Tag.Get("json"), ",")
			if name == "" || name == "-" || slices.Contains(refused, name) {
				continue
			}
			if n++; !slices.Contains(row.known, name) {
				t.Errorf("%s: %s is refused", row.params.Name(), name)
			}
		}
		if n < row.least {
			t.Errorf("%s has only %d members", row.params.Name(), n)
		}
	}
}
