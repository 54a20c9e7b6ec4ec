package pairing

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

var askedAt = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func TestParseAsked(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ details, scope, want, reason string }{
		{"", "llm:openai  mail:resend llm:openai", `llm:openai{} mail:resend{}`, ""},
		{"", "", "", ""},
		{`[{"type":"keywicket","identifier":"llm:openai"}]`, "llm:openai", `llm:openai{}`, ""},
		{
			`[{"type":"keywicket","identifier":"llm:openai","actions":["models.list"],"models":["gpt-*"],"expires_in":60}]`, "mail:resend",
			`llm:openai{"actions":["models.list"],"expires_at":"2026-11-22T10:01:00Z","models":["gpt-*"]} mail:resend{}`, "",
		},
		{
			`[{"type":"keywicket","identifier":"llm:openai","limits":[{"per":"day","requests":5}],"concurrency":2}]`, "",
			`llm:openai{"concurrency":2,"limits":[{"per":"day","requests":5}]}`, "",
		},
		{
			`[{"type":"keywicket","identifier":"llm:openai","limits":{"max_output_tokens":7,"limits":[{"per":"day","requests":5}]}}]`, "",
			`llm:openai{"limits":[{"per":"day","requests":5}],"max_output_tokens":7}`, "",
		},
		{
			`[{"type":"keywicket","identifier":"llm:openai","reason":"a\n b"},{"type":"keywicket","identifier":"mail:resend","reason":"c"},{"type":"keywicket","identifier":"llm:x","reason":"c"}]`, "",
			`llm:openai{} mail:resend{} llm:x{}`, "a b; c",
		},
	} {
		got, err := parseAsked(row.details, row.scope, askedAt)
		if err != nil {
			t.Errorf("%s %s: %v", row.details, row.scope, err)
			continue
		}
		if shown := show(t, got.documents); shown != row.want || got.reason != row.reason {
			t.Errorf("%s %s:\n got %s %q\nwant %s %q", row.details, row.scope, shown, got.reason, row.want, row.reason)
		}
	}
}

// show is the documents as granted details, without what is always there.
func show(t *testing.T, documents []policy.Document) string {
	t.Helper()
	var all []string
	for _, d := range documents {
		detail, err := detailOf(d)
		if err != nil {
			t.Fatal(err)
		}
		rest := strings.NewReplacer(`"identifier":"`+d.Resource+`",`, "", `"identifier":"`+d.Resource+`"`, "", `,"type":"keywicket"`, "", `"type":"keywicket"`, "").Replace(string(detail))
		all = append(all, d.Resource+rest)
	}
	return strings.Join(all, " ")
}

func TestParseAskedRefuses(t *testing.T) {
	t.Parallel()
	item := func(members string) string { return `[{"type":"keywicket","identifier":"llm:openai",` + members + `}]` }
	many := strings.TrimSuffix(strings.Repeat(`{"type":"keywicket","identifier":"llm:x"},`, 17), ",")
	for _, row := range []struct{ details, scope, code, says string }{
		{`{}`, "", codeInvalidDetails, "authorization_details must be a JSON array"},
		{`[]`, "", codeInvalidDetails, "1 to 16 items"},
		{`[` + many + `]`, "", codeInvalidDetails, "1 to 16 items"},
		{`[null]`, "", codeInvalidDetails, "[0].type"},
		{`[{}] []`, "", codeInvalidDetails, "must be a JSON array"},
		{`[{"type":"keywicket","type":"keywicket","identifier":"llm:openai"}]`, "", codeInvalidDetails, "duplicate"},
		{"[{\"type\":\"keywicket\",\"identifier\":\"\xff\"}]", "", codeInvalidDetails, "must be a JSON array"},
		{`[{"identifier":"llm:openai"}]`, "", codeInvalidDetails, "[0].type"},
		{`[{"type":"openid","identifier":"llm:openai"}]`, "", codeInvalidDetails, "[0].type"},
		{`[{"type":"Keywicket","identifier":"llm:openai"}]`, "", codeInvalidDetails, "[0].type"},
		{`[{"type":"keywicket"}]`, "", codeInvalidDetails, "[0].identifier"},
		{`[{"type":"keywicket","identifier":null}]`, "", codeInvalidDetails, "[0].identifier"},
		{`[{"type":"keywicket","identifier":"openai"}]`, "", codeInvalidDetails, "[0].identifier"},
		{`[{"type":"keywicket","resource":"llm:openai"}]`, "", codeInvalidDetails, "[0].resource"},
		{`[{"type":"keywicket","identifier":"llm:openai"},{"type":"keywicket","identifier":"llm:openai"}]`, "", codeInvalidDetails, "[1].identifier: is asked for twice"},
		{item(`"reason":7`), "", codeInvalidDetails, "[0].reason"},
		{item(`"reason":"a\u202eb"`), "", codeInvalidDetails, "[0].reason"},
		{item(`"reason":"` + strings.Repeat("x", 201) + `"`), "", codeInvalidDetails, "[0].reason"},
		{item(`"locations":["https://a.example"]`), "", codeInvalidDetails, "[0].locations"},
		{item(`"limits":{"resource":"llm:other"}`), "", codeInvalidDetails, "[0].limits"},
		{item(`"limits":{"models":["a"],"models":["b"]}`), "", codeInvalidDetails, "duplicate"},
		{item(`"models":["a"],"limits":{"models":["b"]}`), "", codeInvalidDetails, "[0].limits"},
		{item(`"limits":{"limits":{"per":"day"}}`), "", codeInvalidDetails, "[0].limits"},
		{item(`"limits":{"type":"keywicket"}`), "", codeInvalidDetails, "[0].type"},
		{item(`"limits":7`), "", codeInvalidDetails, "[0].limits"},
		{item(`"models":[]`), "", codeInvalidDetails, "[0].models"},
		{item(`"models":null`), "", codeInvalidDetails, "[0].models"},
		{item(`"expires_in":-1`), "", codeInvalidDetails, "[0].expires_in"},
		{`[` + strings.Repeat(" ", 16<<10) + `]`, "", codeInvalidDetails, "at most 16384 bytes"},
		{"", "openid", codeInvalidScope, "resource ids"},
		{"", "llm:openai \"x\"", codeInvalidScope, "resource ids"},
		{"", strings.Repeat("x", 2049), codeInvalidScope, "at most 2048 bytes"},
		{"", "a:a a:b a:c a:d a:e a:f a:g a:h a:i a:j a:k a:l a:m a:n a:o a:p a:q", codeInvalidScope, "at most 16"},
	} {
		_, err := parseAsked(row.details, row.scope, askedAt)
		e, ok := err.(*OAuthError)
		if !ok || e.Code != row.code || !strings.Contains(e.Description, row.says) {
			t.Errorf("%.200s %.50s:\n got %v\nwant %s … %s", row.details, row.scope, err, row.code, row.says)
		}
	}
}

const fuzzSeeds = "testdata/fuzz/FuzzParseAsked"

func FuzzParseAsked(f *testing.F) {
	f.Add(`[{"type":"keywicket","identifier":"llm:openai"}]`, "mail:resend")
	f.Fuzz(func(t *testing.T, details, scope string) {
		got, err := parseAsked(details, scope, askedAt)
		if err != nil {
			if e, ok := err.(*OAuthError); !ok || strings.ContainsAny(e.Description, "\"\\\n\x00\x1b") || e.Status != 400 {
				t.Fatalf("refused with %#v", err)
			}
			return
		}
		if len(got.documents) > maxAsked {
			t.Fatalf("%d documents", len(got.documents))
		}
		if got.reason != "" {
			if _, err := cleanText(got.reason, maxAsked*(maxReasonRunes+2)); err != nil {
				t.Fatalf("reason %q: %v", got.reason, err)
			}
		}
		// What is granted, given back as an ask, means the same.
		var items []string
		for _, d := range got.documents {
			if err := d.Validate(); err != nil {
				t.Fatalf("%+v: %v", d, err)
			}
			detail, err := detailOf(d)
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, string(detail))
		}
		again := "[" + strings.Join(items, ",") + "]"
		if len(items) == 0 || len(again) > maxDetailsBytes {
			return
		}
		back, err := parseAsked(again, "", askedAt)
		if err != nil || show(t, back.documents) != show(t, got.documents) {
			t.Fatalf("%s came back as %s (%v)", show(t, got.documents), show(t, back.documents), err)
		}
	})
}

func TestFuzzSeedsAreThere(t *testing.T) {
	t.Parallel()
	seeds, err := os.ReadDir(fuzzSeeds)
	if err != nil || len(seeds) < 8 {
		t.Errorf("%d seeds in %s (%v), want at least 8", len(seeds), fuzzSeeds, err)
	}
}
