package anthropic

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

func TestBetas(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct {
		name string
		in   []string
		want string
	}{
		{"none", nil, ""},
		{"one", []string{"context-1m-2025-08-07"}, "context-1m-2025-08-07"},
		{"a newer one", []string{"context-1m-2029-01-01"}, "context-1m-2029-01-01"},
		{"some", []string{"prompt-caching-2024-07-31, fast-mode-2026-02-01,interleaved-thinking-2025-05-14"}, "prompt-caching-2024-07-31,interleaved-thinking-2025-05-14"},
		{"in two headers", []string{"pdfs-2024-09-25", "skills-2025-10-02"}, "pdfs-2024-09-25,skills-2025-10-02"},
		{"twice", []string{"pdfs-2024-09-25,pdfs-2024-09-25"}, "pdfs-2024-09-25"},
		{"what names models, prices or tools", []string{"advisor-tool-2026-03-01,server-side-fallback-2026-06-01,fallback-credit-2026-06-01,compact-2026-01-12,inline-tools-2026-09-15,mid-conversation-tool-changes-2026-07-01,user-profiles-2026-03-24"}, ""},
		{"what is no beta", []string{"context-1m,,  ,context-1m-2025-08-07x,CONTEXT-1M-2025-08-07,context-1m-20250807"}, ""},
		{"a header too long to read", []string{strings.Repeat("pdfs-2024-09-25,", 300)}, ""},
	} {
		r := messagesRequest("{" + inside + "}")
		r.Header["Anthropic-Beta"] = row.in
		call, err := p.Describe(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(call.Header.Values("Anthropic-Beta"), "|"); got != row.want {
			t.Errorf("%s: sends %q, want %q", row.name, got, row.want)
		}
	}
	r := messagesRequest("{" + inside + "}")
	r.Header.Set("Connection", "close, anthropic-beta")
	r.Header.Set("Anthropic-Beta", "pdfs-2024-09-25")
	if call, err := p.Describe(r); err != nil || call.Header.Get("Anthropic-Beta") != "" {
		t.Errorf("a header of one hop is passed on: %v", err)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for in, want := range map[string]string{"": "2023-06-01", "2023-06-01": "2023-06-01", "2027-01-01": "2027-01-01", "latest": "2023-06-01", "2023-06-01, x": "2023-06-01"} {
		r := messagesRequest("{" + inside + "}")
		r.Header.Set("Anthropic-Version", in)
		call, err := p.Describe(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := call.Header.Values("Anthropic-Version"); len(got) != 1 || got[0] != want {
			t.Errorf("%q: sends %q, want %q", in, got, want)
		}
	}
}

func TestResponseHeader(t *testing.T) {
	t.Parallel()
	h := provider(t).ResponseHeader(http.Header{
		"Request-Id": {"req_1"}, "Anthropic-Organization-Id": {"o"}, "Anthropic-Ratelimit-Tokens-Remaining": {"7"}, "Retry-After": {"3"},
	})
	if len(h) != 3 || h.Get("Request-Id") != "req_1" || h.Get("X-Upstream-Request-Id") != "req_1" || h.Get("Retry-After") != "3" {
		t.Errorf("got %v", h)
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for query, want := range map[string]string{
		"": "", "beta=true": "", "limit=20&after_id=claude-x&x=1": "after_id=claude-x&limit=20", "before_id=a%3Ab": "before_id=a%3Ab",
	} {
		call, err := p.Describe(plugins.Request{Method: http.MethodGet, Path: "/v1/models", RawQuery: query})
		if err != nil || call.RawQuery != want {
			t.Errorf("?%s became ?%s, %v", query, call.RawQuery, err)
		}
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=99999", "limit=5&limit=6", "after_id=", "after_id=a/b", "before_id=a%00", "%zz", "a;b", strings.Repeat("x&", 4000)} {
		var refused *plugins.Error
		if _, err := p.Describe(plugins.Request{Method: http.MethodGet, Path: "/v1/models", RawQuery: query}); !errors.As(err, &refused) || refused.Status != 400 {
			t.Errorf("?%s: got %v", query, err)
		}
	}
	for query, ok := range map[string]bool{"beta=true": true, "x=1": true, "model=b": false, "Model=b": false, "max-tokens=9": false, "stream=true": false, "%zz": false} {
		r := messagesRequest("{" + inside + "}")
		r.RawQuery = query
		call, err := p.Describe(r)
		if (err == nil) != ok || ok && call.RawQuery != "" {
			t.Errorf("?%s: %v", query, err)
		}
	}
	if _, err := p.Describe(plugins.Request{Method: http.MethodGet, Path: "/models", Body: []byte("{}")}); err == nil {
		t.Error("a body on GET /models is accepted")
	}
}
