package policy

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy/price"
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
	r := Request{AppStatus: "active", Resource: "llm:openai", Action: "chat.completions", Model: "gpt-4o", Choices: 1, Time: noon, Zone: time.UTC}
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

func model(name string) change         { return func(_ *Document, r *Request) { r.Model = name } }
func noOutput(_ *Document, r *Request) { r.Choices, r.OutputTokens = 0, 0 }
func action(name string) change        { return func(_ *Document, r *Request) { r.Action = name } }
func status(s string) change           { return func(_ *Document, r *Request) { r.AppStatus = s } }
func at(t time.Time) change            { return func(_ *Document, r *Request) { r.Time = t } }
func body(n int64) change              { return func(_ *Document, r *Request) { r.BodyBytes = n } }
func asks(tokens, choices int64) change {
	return func(_ *Document, r *Request) { r.OutputTokens, r.Choices = tokens, choices }
}
func origins(all ...string) change      { return func(d *Document, _ *Request) { d.Origins = all } }
func from(origin string) change         { return func(_ *Document, r *Request) { r.Origin = origin } }
func bound(d *Document, _ *Request)     { d.RequireBodyHash = true }
func boundBody(_ *Document, r *Request) { r.BodyBound = true }
func hours(from, to string, days ...Weekday) change {
	f, _ := timeOfDay(from)
	t, _ := timeOfDay(to)
	return func(d *Document, _ *Request) { d.Hours = &Hours{From: f, To: t, Days: days} }
}
func inZone(z *time.Location) change { return func(_ *Document, r *Request) { r.Zone = z } }
func addresses(all ...string) change {
	return func(d *Document, _ *Request) {
		d.Addresses = []netip.Prefix{}
		for _, text := range all {
			p, err := network("", text)
			if err != nil {
				panic(err)
			}
			d.Addresses = append(d.Addresses, p)
		}
	}
}
func fromIP(text string) change {
	return func(_ *Document, r *Request) { r.Address = netip.MustParseAddr(text) }
}
func inputMax(n int64) change              { return func(d *Document, _ *Request) { d.MaxInputTokens = n } }
func input(n int64) change                 { return func(_ *Document, r *Request) { r.InputTokens = n } }
func inputUnknown(_ *Document, r *Request) { r.InputUnknown = true }
func capped(all ...Limit) change           { return func(d *Document, _ *Request) { d.Limits = all } }
func priced(_ *Document, r *Request)       { r.Rate = &price.Rate{} }

// mailing is a request that sends mail under rules.
func mailing(m Mail, f MailFacts) change {
	return func(d *Document, r *Request) {
		d.Resource, r.Resource, r.Action, r.Model, r.Choices = "mail:resend", "mail:resend", "emails.send", "", 0
		d.Mail, r.Mail = &m, &f
	}
}
func noFacts(_ *Document, r *Request) { r.Mail = nil }

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

		allow("within hours", hours("09:00", "18:00", "sat")),
		allow("exactly at from", hours("12:00", "18:00")),
		deny(CodeOutsideHours, "exactly at to", hours("09:00", "12:00")),
		allow("a moment before to", hours("09:00", "12:00"), at(noon.Add(-1))),
		deny(CodeOutsideHours, "before from", hours("12:01", "18:00")),
		deny(CodeOutsideHours, "another day", hours("09:00", "18:00", "fri", "sun")),
		deny(CodeOutsideHours, "nobody's clock", hours("09:00", "18:00"), inZone(nil)),
		deny(CodeOutsideHours, "no time under hours", hours("00:00", "18:00"), at(time.Time{})),
		allow("the owner's clock", hours("21:00", "22:00", "sat"), inZone(time.FixedZone("Tokyo", 9*3600))),
		deny(CodeOutsideHours, "not Greenwich's", hours("12:00", "13:00"), inZone(time.FixedZone("Tokyo", 9*3600))),
		deny(CodeOutsideHours, "no day at all", hours("09:00", "18:00"), func(d *Document, _ *Request) { d.Hours.Days = []Weekday{} }),

		allow("in the network", addresses("203.0.113.0/24"), fromIP("203.0.113.9")),
		allow("second network", addresses("10.0.0.0/8", "2001:db8::/32"), fromIP("2001:db8:1::1")),
		allow("one address", addresses("203.0.113.9"), fromIP("203.0.113.9")),
		deny(CodeAddressNotAllowed, "another address", addresses("203.0.113.9"), fromIP("203.0.113.10")),
		allow("IPv4 in IPv6", addresses("203.0.113.0/24"), fromIP("::ffff:203.0.113.9")),
		allow("written as IPv6, from IPv4", addresses("::ffff:203.0.113.0/120"), fromIP("203.0.113.9")),
		deny(CodeAddressNotAllowed, "IPv4 in IPv6, elsewhere", addresses("203.0.113.0/24"), fromIP("::ffff:203.0.114.9")),
		deny(CodeAddressNotAllowed, "all of IPv6 is no IPv4", addresses("::/0"), fromIP("::ffff:203.0.113.9")),
		allow("with an interface's name", addresses("fe80::/10"), fromIP("fe80::1%eth0")),
		deny(CodeAddressNotAllowed, "address unknown", addresses("0.0.0.0/0", "::/0")),
		deny(CodeAddressNotAllowed, "an empty list allows no address", addresses(), fromIP("203.0.113.9")),
		allow("any address when none is listed", fromIP("203.0.113.9")),

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

		allow("input at its cap", inputMax(100), input(100)),
		deny(CodeInputCapExceeded, "input over its cap", inputMax(100), input(101)),
		deny(CodeInputCapExceeded, "input negative", inputMax(100), input(-1)),
		deny(CodeInputCapExceeded, "input unknown", inputMax(100), input(1), inputUnknown),
		allow("input unknown without a cap", inputUnknown),
		allow("listing models reads nothing", inputMax(100), input(101), action(ActionListModels), model("")),

		allow("asks for the cap", outputMax(100), asks(100, 1)),
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
		allow("an action without output gets no cap", outputMax(100), asks(0, 0)),
		allow("no choices, but output", outputMax(100), asks(100, 0)),
		deny(CodeOutputCapExceeded, "no choices, but too much output", outputMax(100), asks(101, 0)),
		allow("listing models has no output", outputMax(100), action(ActionListModels), model("")),

		allow("tools without a rule", withTools),
		allow("tools allowed", toolsAre(Allow), withTools),
		allow("no tools where denied", toolsAre(Deny)),
		deny(CodeToolsNotAllowed, "tools denied", toolsAre(Deny), withTools),
		deny(CodeToolsNotAllowed, "an unknown answer denies", toolsAre("Allow"), withTools),
		allow("streaming allowed", streamingIs(Allow), streaming),
		allow("no streaming where denied", streamingIs(Deny)),
		deny(CodeStreamingNotAllowed, "streaming denied", streamingIs(Deny), streaming),

		allow("sender granted", mailing(Mail{FromDomains: []string{"example.com"}}, MailFacts{FromDomain: "example.com"})),
		allow("sender in capitals", mailing(Mail{FromDomains: []string{"example.com"}}, MailFacts{FromDomain: "Example.COM"})),
		allow("sender in its own script", mailing(Mail{FromDomains: []string{"xn--bcher-kva.example"}}, MailFacts{FromDomain: "Bücher.example"})),
		deny(CodeRecipientNotAllowed, "another sender", mailing(Mail{FromDomains: []string{"example.com"}}, MailFacts{FromDomain: "example.org"})),
		deny(CodeRecipientNotAllowed, "below the sender granted", mailing(Mail{FromDomains: []string{"example.com"}}, MailFacts{FromDomain: "a.example.com"})),
		deny(CodeRecipientNotAllowed, "ends like the sender granted", mailing(Mail{FromDomains: []string{"*.example.com"}}, MailFacts{FromDomain: "notexample.com"})),
		allow("below a star", mailing(Mail{FromDomains: []string{"*.example.com"}}, MailFacts{FromDomain: "a.b.example.com"})),
		deny(CodeRecipientNotAllowed, "the star's own domain", mailing(Mail{FromDomains: []string{"*.example.com"}}, MailFacts{FromDomain: "example.com"})),
		deny(CodeRecipientNotAllowed, "sender unreadable", mailing(Mail{FromDomains: []string{"example.com"}}, MailFacts{})),
		deny(CodeRecipientNotAllowed, "sender no domain", mailing(Mail{FromDomains: []string{"example.com"}}, MailFacts{FromDomain: "exa mple.com"})),
		allow("sender unreadable, none listed", mailing(Mail{HTML: Deny}, MailFacts{})),
		allow("recipients granted", mailing(Mail{ToDomains: []string{"a.example", "*.b.example"}}, MailFacts{To: []string{"a.example", "x.b.example"}, Recipients: 2})),
		deny(CodeRecipientNotAllowed, "one recipient not granted", mailing(Mail{ToDomains: []string{"a.example"}}, MailFacts{To: []string{"a.example", "c.example"}, Recipients: 2})),
		deny(CodeRecipientNotAllowed, "one recipient unreadable", mailing(Mail{ToDomains: []string{"a.example"}}, MailFacts{To: []string{"a.example", ""}, Recipients: 2})),
		deny(CodeRecipientNotAllowed, "no recipient readable", mailing(Mail{ToDomains: []string{"a.example"}}, MailFacts{Recipients: 1})),
		deny(CodeRecipientNotAllowed, "an empty list allows no recipient", mailing(Mail{ToDomains: []string{}}, MailFacts{To: []string{"a.example"}, Recipients: 1})),
		allow("no list allows every recipient", mailing(Mail{HTML: Deny}, MailFacts{To: []string{"a.example"}, Recipients: 1})),
		allow("as many recipients as granted", mailing(Mail{MaxRecipients: 2}, MailFacts{Recipients: 2})),
		deny(CodeRecipientNotAllowed, "more recipients", mailing(Mail{MaxRecipients: 2}, MailFacts{Recipients: 3})),
		deny(CodeRecipientNotAllowed, "recipients not counted", mailing(Mail{MaxRecipients: 2}, MailFacts{})),
		deny(CodeRecipientNotAllowed, "HTML denied", mailing(Mail{HTML: Deny}, MailFacts{HTML: true})),
		deny(CodeRecipientNotAllowed, "an unknown answer denies HTML", mailing(Mail{HTML: "maybe"}, MailFacts{HTML: true})),
		allow("HTML allowed", mailing(Mail{HTML: Allow}, MailFacts{HTML: true})),
		deny(CodeRecipientNotAllowed, "no attachments", mailing(Mail{MaxAttachmentBytes: new(int64(0))}, MailFacts{AttachmentBytes: 1})),
		allow("none attached", mailing(Mail{MaxAttachmentBytes: new(int64(0))}, MailFacts{})),
		allow("attachments at their bound", mailing(Mail{MaxAttachmentBytes: new(int64(9))}, MailFacts{AttachmentBytes: 9})),
		deny(CodeRecipientNotAllowed, "attachments of unknown size", mailing(Mail{MaxAttachmentBytes: new(int64(9))}, MailFacts{AttachmentBytes: -1})),
		deny(CodeRecipientNotAllowed, "mail not described", mailing(Mail{HTML: Deny}, MailFacts{}), noFacts),
		allow("reading mail sends none", mailing(Mail{HTML: Deny}, MailFacts{}), noFacts, action(ActionGetMail)),
		allow("models send no mail", func(d *Document, _ *Request) { d.Mail = &Mail{HTML: Deny} }),

		allow("priced under a cap in dollars", capped(Limit{Per: Day, Dollars: 1}), priced),
		deny(CodeModelUnpriced, "unpriced under a cap in dollars", capped(Limit{Per: Day, Dollars: 1})),
		deny(CodeModelUnpriced, "only its bounds are known", capped(Limit{Per: Day, Dollars: 1}), func(_ *Document, r *Request) { r.Rate = &price.Rate{MaxContext: 9, Unpriced: true} }),
		allow("a free action", capped(Limit{Per: Day, Dollars: 1}), action("models.get"), noOutput),
		allow("another", capped(Limit{Per: Day, Dollars: 1}), action("moderations"), noOutput),
		deny(CodeModelUnpriced, "a free action that asks for output", capped(Limit{Per: Day, Dollars: 1}), action("models.get")),
		deny(CodeModelUnpriced, "no model under a cap in dollars", capped(Limit{Per: Day, Dollars: 1}), model("")),
		allow("unpriced under other caps", capped(Limit{Per: Day, Requests: 1, Tokens: 1})),
		allow("unpriced, the cap counts another model", capped(Limit{Per: Day, Model: "o3", Dollars: 1})),
		deny(CodeModelUnpriced, "unpriced, the second cap counts it", capped(Limit{Per: Day, Model: "o3", Dollars: 1}, Limit{Per: Month, Model: "gpt-*", Dollars: 1})),
		deny(CodeModelUnpriced, "hiding the model gains nothing", capped(Limit{Per: Day, Model: "o3", Dollars: 1}), model("")),
		allow("listing models costs nothing", capped(Limit{Per: Day, Dollars: 1}), action(ActionListModels), model("")),
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
		Hours: &Hours{From: 0, To: 60}, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Origins: []string{"https://a.example"}, RequireBodyHash: true,
		MaxBodyBytes: 1, Models: []string{"o3"}, MaxInputTokens: 1, MaxOutputTokens: 1, Tools: Deny, Streaming: Deny,
		Mail: &Mail{HTML: Deny}, Limits: []Limit{{Per: Day, Requests: 1}, {Per: Day, Dollars: 1}},
	}
	r := Request{
		AppStatus: "suspended", Resource: "mail:resend", Action: "chat.completions", Model: "gpt-4o",
		Origin: "https://b.example", BodyBytes: 2, InputTokens: 2, OutputTokens: 2, Tools: true, Stream: true, Time: noon, Zone: time.UTC,
		Address: netip.MustParseAddr("203.0.113.9"), Mail: &MailFacts{HTML: true},
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
		{"hours", CodeOutsideHours, func() { d.Hours = nil }},
		{"addresses", CodeAddressNotAllowed, func() { r.Address = netip.MustParseAddr("10.0.0.1") }},
		{"origins", CodeAddressNotAllowed, func() { r.Origin = "https://a.example" }},
		{"require_body_hash", CodeInvalidProof, func() { r.BodyBound = true }},
		{"max_body_bytes", CodeBodyTooLarge, func() { r.BodyBytes = 1 }},
		{"models", CodeModelNotAllowed, func() { r.Model = "o3" }},
		{"max_input_tokens", CodeInputCapExceeded, func() { r.InputTokens = 1 }},
		{"max_output_tokens", CodeOutputCapExceeded, func() { r.OutputTokens = 1 }},
		{"tools", CodeToolsNotAllowed, func() { r.Tools = false }},
		{"streaming", CodeStreamingNotAllowed, func() { r.Stream = false }},
		{"mail.html", CodeRecipientNotAllowed, func() { r.Mail.HTML = false }},
		{"limits[1].dollars", CodeModelUnpriced, func() { r.Rate = &price.Rate{} }},
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
