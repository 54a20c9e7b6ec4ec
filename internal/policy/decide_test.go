package policy

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// row is one request against one document.
type row struct {
	name string
	doc  Document
	req  Request
	code string // "" is allowed
	cap  int64
}

type change func(*Document, *Request)

// base is a request that a bare document allows.
func base(changes []change) (Document, Request) {
	d := Document{Resource: "llm:openai"}
	r := Request{AppStatus: "active", Resource: "llm:openai", Action: "chat.completions", Model: "gpt-4o", Time: noon}
	for _, c := range changes {
		c(&d, &r)
	}
	return d, r
}

func allow(name string, changes ...change) row { return allowCapped(0, name, changes...) }

func allowCapped(outputCap int64, name string, changes ...change) row {
	d, r := base(changes)
	return row{name: name, doc: d, req: r, cap: outputCap}
}

func deny(code, name string, changes ...change) row {
	d, r := base(changes)
	return row{name: name, doc: d, req: r, code: code}
}

func models(globs ...string) change { return func(d *Document, _ *Request) { d.Models = globs } }
func denyModels(globs ...string) change {
	return func(d *Document, _ *Request) { d.DenyModels = globs }
}
func actions(names ...string) change { return func(d *Document, _ *Request) { d.Actions = names } }
func outputMax(n int64) change       { return func(d *Document, _ *Request) { d.MaxOutputTokens = n } }
func bodyMax(n int64) change         { return func(d *Document, _ *Request) { d.MaxBodyBytes = n } }
func notBefore(t time.Time) change   { return func(d *Document, _ *Request) { d.NotBefore = t } }
func expires(t time.Time) change     { return func(d *Document, _ *Request) { d.ExpiresAt = t } }
func toolsAre(a Access) change       { return func(d *Document, _ *Request) { d.Tools = a } }
func streamingIs(a Access) change    { return func(d *Document, _ *Request) { d.Streaming = a } }

func model(name string) change  { return func(_ *Document, r *Request) { r.Model = name } }
func action(name string) change { return func(_ *Document, r *Request) { r.Action = name } }
func status(s string) change    { return func(_ *Document, r *Request) { r.AppStatus = s } }
func at(t time.Time) change     { return func(_ *Document, r *Request) { r.Time = t } }
func body(n int64) change       { return func(_ *Document, r *Request) { r.BodyBytes = n } }
func asks(tokens, choices int64) change {
	return func(_ *Document, r *Request) { r.OutputTokens, r.Choices = tokens, choices }
}
func origins(all ...string) change       { return func(d *Document, _ *Request) { d.Origins = all } }
func from(origin string) change          { return func(_ *Document, r *Request) { r.Origin = origin } }
func bound(d *Document, _ *Request)      { d.RequireBodyHash = true }
func boundBody(_ *Document, r *Request)  { r.BodyBound = true }
func withTools(_ *Document, r *Request)  { r.Tools = true }
func streaming(_ *Document, r *Request)  { r.Stream = true }
func noResource(d *Document, r *Request) { d.Resource, r.Resource = "", "" }
func otherResource(_ *Document, r *Request) {
	r.Resource = "mail:resend"
}

func TestDecide(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("m", maxGlobBytes+1)
	for _, r := range []row{
		allow("a bare document allows"),
		deny(CodeAppSuspended, "suspended", status("suspended")),
		deny(CodeInvalidToken, "revoked", status("revoked")),
		deny(CodeAppSuspended, "no status is not active", status("")),
		deny(CodeAppSuspended, "an unknown status is not active", status("Active")),

		deny(CodeResourceNotGranted, "another resource", otherResource),
		deny(CodeResourceNotGranted, "no resource equals no resource, and is denied", noResource),

		allow("listed action", actions("chat.completions")),
		deny(CodeActionNotGranted, "unlisted action", actions("models.list")),
		deny(CodeActionNotGranted, "actions are not globs", actions("chat.*")),
		deny(CodeActionNotGranted, "an empty list allows nothing", actions([]string{}...)),
		deny(CodeActionNotGranted, "no action, though none is listed", action("")),

		allow("exactly at not_before", notBefore(noon)),
		deny(CodeNotYetValid, "a moment before not_before", notBefore(noon.Add(1))),
		deny(CodeNotYetValid, "no time", notBefore(noon), at(time.Time{})),
		allow("a moment before expires_at", expires(noon.Add(1))),
		deny(CodePermissionExpired, "exactly at expires_at", expires(noon)),
		deny(CodePermissionExpired, "no time at all", expires(noon), at(time.Time{})),

		allow("origins do not concern what comes from no page", origins("https://a.example")),
		allow("listed origin", origins("https://b.example", "https://a.example"), from("https://a.example")),
		allow("any page, when none is listed", from("https://a.example")),
		deny(CodeAddressNotAllowed, "unlisted origin", origins("https://a.example"), from("https://a.example:8443")),
		deny(CodeAddressNotAllowed, "origins are not globs", origins("https://*.example"), from("https://a.example")),
		deny(CodeAddressNotAllowed, "a page without origin of its own", origins("https://a.example"), from("null")),
		deny(CodeAddressNotAllowed, "an empty list allows no page", origins([]string{}...), from("https://a.example")),

		allow("bound body", bound, body(1), boundBody),
		allow("nothing to bind", bound),
		deny(CodeInvalidProof, "unbound body", bound, body(1)),
		deny(CodeInvalidProof, "unbound body of unknown length", bound, body(-1)),

		allow("body at its bound", bodyMax(100), body(100)),
		deny(CodeBodyTooLarge, "body over its bound", bodyMax(100), body(101)),
		deny(CodeBodyTooLarge, "body of unknown length", bodyMax(100), body(-1)),

		allow("glob", models("gpt-4o*"), model("gpt-4o-mini")),
		allow("star matches nothing too", models("gpt-4o*"), model("gpt-4o")),
		allow("second glob", models("o3", "gpt-4?"), model("gpt-4o")),
		deny(CodeModelNotAllowed, "question mark is exactly one", models("gpt-4?"), model("gpt-4")),
		deny(CodeModelNotAllowed, "whole name, not a prefix", models("gpt-4"), model("gpt-4o")),
		deny(CodeModelNotAllowed, "whole name, not a suffix", models("4o"), model("gpt-4o")),
		deny(CodeModelNotAllowed, "case matters", models("gpt-4o"), model("GPT-4o")),
		deny(CodeModelNotAllowed, "trailing space matters", models("gpt-4o"), model("gpt-4o ")),
		allow("models/ before the name", models("gemini-2*"), model("models/gemini-2.5-pro")),
		allow("models/ before the glob", models("models/gemini-2*"), model("gemini-2.5-pro")),
		deny(CodeModelNotAllowed, "models/ does not hide from deny", denyModels("gemini-2*"), model("models/gemini-2.5-pro")),
		deny(CodeModelNotAllowed, "deny beats allow", models("gpt-4o*"), denyModels("*-audio*"), model("gpt-4o-audio-preview")),
		allow("deny list alone allows the rest", denyModels("*-audio*")),
		deny(CodeModelNotAllowed, "an empty list allows no model", models([]string{}...)),
		allow("no model and no list", model("")),
		deny(CodeModelNotAllowed, "no model under a list", models("*"), model("")),
		deny(CodeModelNotAllowed, "no model under a deny list", denyModels("x"), model("")),
		deny(CodeModelNotAllowed, "a name too long to compare", models("*"), model(long)),
		deny(CodeModelNotAllowed, "a name too long to compare under a deny list", denyModels("x"), model(long)),
		allow("listing models names none", models("gpt-4o*"), action(ActionListModels), model("")),
		deny(CodeModelNotAllowed, "listing models with one named", models("gpt-4o*"), action(ActionListModels), model("o3")),
		deny(CodeActionNotGranted, "listing models still needs its grant", actions("chat.completions"), action(ActionListModels), model("")),

		allow("asks for the cap", outputMax(100), asks(100, 0)),
		deny(CodeOutputCapExceeded, "asks for more", outputMax(100), asks(101, 1)),
		allow("choices times tokens at the cap", outputMax(100), asks(25, 4)),
		deny(CodeOutputCapExceeded, "choices times tokens over the cap", outputMax(100), asks(26, 4)),
		deny(CodeOutputCapExceeded, "a product that would overflow", outputMax(100), asks(math.MaxInt64/2+1, 4)),
		deny(CodeOutputCapExceeded, "choices that would overflow", outputMax(100), asks(2, math.MaxInt64)),
		deny(CodeOutputCapExceeded, "negative tokens", outputMax(100), asks(-1, 1)),
		deny(CodeOutputCapExceeded, "negative choices", outputMax(100), asks(0, -1)),
		deny(CodeOutputCapExceeded, "more choices than tokens", outputMax(3), asks(0, 4)),
		allowCapped(100, "asks for nothing", outputMax(100)),
		allowCapped(33, "asks for nothing, three times", outputMax(100), asks(0, 3)),
		allow("asks for nothing without a cap"),
		allow("listing models has no output", outputMax(100), action(ActionListModels), model("")),

		allow("tools without a rule", withTools),
		allow("tools allowed", toolsAre(Allow), withTools),
		allow("no tools where denied", toolsAre(Deny)),
		deny(CodeToolsNotAllowed, "tools denied", toolsAre(Deny), withTools),
		deny(CodeToolsNotAllowed, "an unknown answer denies", toolsAre("Allow"), withTools),
		allow("streaming allowed", streamingIs(Allow), streaming),
		allow("no streaming where denied", streamingIs(Deny)),
		deny(CodeStreamingNotAllowed, "streaming denied", streamingIs(Deny), streaming),
	} {
		got, err := Decide(r.doc, r.req)
		denied, _ := errors.AsType[*Denied](err)
		switch {
		case r.code == "" && err != nil:
			t.Errorf("%s: denied: %v", r.name, err)
		case r.code == "" && got.OutputCap != r.cap:
			t.Errorf("%s: output cap %d, want %d", r.name, got.OutputCap, r.cap)
		case r.code != "" && denied == nil:
			t.Errorf("%s: allowed, want %s", r.name, r.code)
		case r.code != "" && (denied.Code != r.code || denied.Rule == "" || denied.Message == ""):
			t.Errorf("%s: %+v, want %s", r.name, denied, r.code)
		}
	}
}

// Everything is wrong at once; mending one thing after the other shows the
// order of the rules.
func TestDecideNamesTheFirstFailure(t *testing.T) {
	t.Parallel()
	d := Document{
		Resource: "llm:openai", Actions: []string{"models.list"}, NotBefore: noon.Add(time.Hour), ExpiresAt: noon,
		Origins: []string{"https://a.example"}, RequireBodyHash: true,
		MaxBodyBytes: 1, Models: []string{"o3"}, MaxOutputTokens: 1, Tools: Deny, Streaming: Deny,
	}
	r := Request{
		AppStatus: "suspended", Resource: "mail:resend", Action: "chat.completions", Model: "gpt-4o",
		Origin: "https://b.example", BodyBytes: 2, OutputTokens: 2, Tools: true, Stream: true, Time: noon,
	}
	for i, step := range []struct {
		rule, code string
		mend       func()
	}{
		{"app_status", CodeAppSuspended, func() { r.AppStatus = "active" }},
		{"resource", CodeResourceNotGranted, func() { r.Resource = "llm:openai" }},
		{"actions", CodeActionNotGranted, func() { d.Actions = nil }},
		{"not_before", CodeNotYetValid, func() { d.NotBefore = time.Time{} }},
		{"expires_at", CodePermissionExpired, func() { d.ExpiresAt = noon.Add(time.Hour) }},
		{"origins", CodeAddressNotAllowed, func() { r.Origin = "https://a.example" }},
		{"require_body_hash", CodeInvalidProof, func() { r.BodyBound = true }},
		{"max_body_bytes", CodeBodyTooLarge, func() { r.BodyBytes = 1 }},
		{"models", CodeModelNotAllowed, func() { r.Model = "o3" }},
		{"max_output_tokens", CodeOutputCapExceeded, func() { r.OutputTokens = 1 }},
		{"tools", CodeToolsNotAllowed, func() { r.Tools = false }},
		{"streaming", CodeStreamingNotAllowed, func() { r.Stream = false }},
	} {
		_, err := Decide(d, r)
		if denied, ok := errors.AsType[*Denied](err); !ok || denied.Rule != step.rule || denied.Code != step.code {
			t.Fatalf("step %d: got %+v, want rule %s", i, err, step.rule)
		}
		for j, c := range d.Check(r) {
			want := map[bool]Result{j < i: Pass, j == i: Fail, j > i: NotReached}[true]
			if c.Result != want || (c.Code != "") != (j == i) || (c.Reason == "") != (j > i) {
				t.Errorf("step %d: check %d is %+v, want %s", i, j, c, want)
			}
		}
		step.mend()
	}
	if _, err := Decide(d, r); err != nil {
		t.Errorf("everything mended: %v", err)
	}
}

// A client's text must not reach a message unquoted or whole.
func TestMessagesQuoteTheClient(t *testing.T) {
	t.Parallel()
	d, r := base([]change{models("gpt-4o"), model("evil\n\x1b[31m\u202e" + strings.Repeat("x", 60))})
	_, err := Decide(d, r)
	if err == nil || strings.ContainsAny(err.Error(), "\n\x1b\u202e") || len(err.Error()) > 250 {
		t.Errorf("message: %q", err)
	}
}
