package policy

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy/price"
)

// found is the check that failed, its code, and how many were not reached.
func found(t *testing.T, checks []Check) (rule, code string, left int) {
	t.Helper()
	var names []string
	for _, r := range rules {
		names = append(names, r.name)
	}
	names = append(names, ledgerRules[:]...)
	for i, c := range checks {
		if i >= len(names) || c.Rule != names[i] {
			t.Fatalf("check %d is %s, want %s", i, c.Rule, names[i])
		}
		switch {
		case c.Result == NotReached:
			left++
		case c.Reason == "":
			t.Errorf("%s says nothing", c.Rule)
		case c.Result == Fail:
			rule, code = c.Rule, c.Code
		}
		if (left > 0) != (c.Result == NotReached) || left > 0 && rule == "" {
			t.Errorf("%s: %s after %s failed", c.Rule, c.Result, rule)
		}
	}
	if len(checks) != len(names) {
		t.Errorf("%d checks, want %d", len(checks), len(names))
	}
	return rule, code, left
}

func TestTester(t *testing.T) {
	t.Parallel()
	rate := &price.Rate{Input: 1_000_000_000, Output: 1_000_000_000, MaxContext: 1000} // 1,000 nano-dollars a token
	uses := func(input int64) change {
		return func(_ *Document, r *Request) { r.InputTokens, r.Rate = input, rate }
	}
	unknown := func(r *price.Rate) change {
		return func(_ *Document, q *Request) { q.InputUnknown, q.Rate = true, r }
	}
	for _, row := range []struct {
		name       string
		rule, code string
		left       int
		changes    []change
	}{
		{"passes", "", "", 0, []change{capped(Limit{Per: Minute, Requests: 1, Tokens: 11}, Limit{Per: Day, Dollars: 11_000}), uses(10)}},
		{"a rule fails", "models", CodeModelNotAllowed, 9, []change{models("o3")}},
		{"the last rule fails", "price", CodeModelUnpriced, 3, []change{capped(Limit{Per: Day, Dollars: 1})}},
		{"more than a minute's tokens", "rate", CodeRateLimited, 2, []change{capped(Limit{Per: Minute, Tokens: 10}), uses(10)}},
		{"more than a day's tokens", "limits", CodeTokenBudgetSpent, 0, []change{capped(Limit{Per: Day, Tokens: 10}), uses(10)}},
		{"more than a month's dollars", "limits", CodeDollarBudgetSpent, 0, []change{capped(Limit{Per: Month, Dollars: 10_999}), uses(10)}},
		{"another model's tokens", "", "", 0, []change{capped(Limit{Per: Day, Model: "o3", Tokens: 10}), uses(10)}},
		{"listing models takes none", "", "", 0, []change{capped(Limit{Per: Day, Tokens: 1, Dollars: 1}), uses(10), action(ActionListModels), model("")}},
		{"the model's context fits", "", "", 0, []change{capped(Limit{Per: Day, Tokens: 1001}), unknown(rate)}},
		{"the model's context does not fit", "limits", CodeTokenBudgetSpent, 0, []change{capped(Limit{Per: Day, Tokens: 1000}), unknown(rate)}},
		{"no context is known", "limits", CodeInputCapExceeded, 0, []change{capped(Limit{Per: Day, Tokens: 1000}), unknown(&price.Rate{})}},
		{"no context is needed", "", "", 0, []change{capped(Limit{Per: Day, Requests: 1}), unknown(nil)}},
	} {
		d, req := base(row.changes)
		checks, err := Test(d, req, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rule, code, left := found(t, checks); rule != row.rule || code != row.code || left != row.left {
			t.Errorf("%s: %s failed with %s, %d not reached", row.name, rule, code, left)
		}
	}
}

func TestTesterLive(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d, req := base([]change{capped(Limit{Per: Day, Requests: 2})})
	live := func() ([]Check, error) { return b.Check("per_a", d, req) }
	checks, err := Test(d, req, live)
	if err != nil {
		t.Fatal(err)
	}
	if rule, _, _ := found(t, checks); rule != "" {
		t.Errorf("%s failed", rule)
	}
	for range 2 {
		if _, err := b.Reserve("per_a", d, req); err != nil {
			t.Fatal(err)
		}
	}
	if checks, err = Test(d, req, live); err != nil {
		t.Fatal(err)
	}
	if rule, code, _ := found(t, checks); rule != "limits" || code != CodeBudgetHeld {
		t.Errorf("%s failed with %s", rule, code)
	}
	req.AppStatus = "revoked"
	broken := func() ([]Check, error) { return nil, ErrClosed }
	if checks, err = Test(d, req, broken); err != nil || checks[0].Result != Fail {
		t.Errorf("the ledger is asked though a rule failed: %v", err)
	}
	req.AppStatus = "active"
	if _, err = Test(d, req, broken); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestParseRequest(t *testing.T) {
	t.Parallel()
	d := Document{Resource: "llm:openai"}
	whole := Request{
		AppStatus: "suspended", Resource: "mail:resend", Action: "emails.send", Model: "m",
		Address: netip.MustParseAddr("203.0.113.7"), Origin: "https://app.example", BodyBytes: 5, BodyBound: true,
		InputTokens: 6, InputUnknown: true, OutputTokens: 7, Choices: 2, Tools: true, Stream: true, Retry: true,
		Mail: &MailFacts{FromDomain: "example.com", To: []string{"a.example"}, Recipients: 3, HTML: true, AttachmentBytes: 4, Messages: 2},
		Time: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC),
	}
	for _, row := range []struct {
		give string
		want Request
	}{
		{`{"action":"models.list"}`, Request{AppStatus: "active", Resource: "llm:openai", Action: "models.list", Time: noon}},
		{`{"action":"chat.completions","model":"m"}`, Request{AppStatus: "active", Resource: "llm:openai", Action: "chat.completions", Model: "m", Choices: 1, Time: noon}},
		{`{"action":"embeddings","model":"m","choices":0}`, Request{AppStatus: "active", Resource: "llm:openai", Action: "embeddings", Model: "m", Time: noon}},
		{`{"action":"emails.send","mail":{"to":["a.example","b.example"]},"address":"::ffff:203.0.113.7"}`, Request{
			AppStatus: "active", Resource: "llm:openai", Action: "emails.send", Address: netip.MustParseAddr("203.0.113.7"),
			Mail: &MailFacts{To: []string{"a.example", "b.example"}, Recipients: 2, Messages: 1}, Time: noon,
		}},
		{`{"app_status":"suspended","resource":"mail:resend","action":"emails.send","model":"m","address":"203.0.113.7","origin":"https://app.example",
			"body_bytes":5,"body_bound":true,"input_tokens":6,"input_unknown":true,"output_tokens":7,"choices":2,"tools":true,"stream":true,"retry":true,
			"mail":{"from_domain":"example.com","to":["a.example"],"recipients":3,"html":true,"attachment_bytes":4,"messages":2},"time":"2026-12-01T09:00:00+01:00"}`, whole},
	} {
		got, err := ParseRequest([]byte(row.give), d, noon)
		if err != nil {
			t.Errorf("%s: %v", row.give, err)
			continue
		}
		if !equalRequests(got, row.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", row.give, got, row.want)
		}
	}
}

// equalRequests compares what JSON carries.
func equalRequests(a, b Request) bool {
	mails := a.Mail == nil && b.Mail == nil
	if a.Mail != nil && b.Mail != nil {
		one, other := *a.Mail, *b.Mail
		mails = slices.Equal(one.To, other.To)
		one.To, other.To = nil, nil
		mails = mails && one.FromDomain == other.FromDomain && one.Recipients == other.Recipients && one.HTML == other.HTML &&
			one.AttachmentBytes == other.AttachmentBytes && one.Messages == other.Messages
	}
	times := a.Time.Equal(b.Time)
	a.Mail, b.Mail, a.Time, b.Time = nil, nil, time.Time{}, time.Time{}
	return mails && times && a == b
}

func TestParseRequestRefusesByPath(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ give, want string }{
		{``, "a described request: is not valid JSON"},
		{`null`, "a described request: must not be null"},
		{`[]`, "a described request: must be an object"},
		{strings.Repeat(" ", MaxDocumentBytes+1), "a described request: is longer than 65536 bytes"},
		{`{}`, "action: is required"},
		{`{"action":""}`, "action: must be an action's name"},
		{`{"action":"a b"}`, "action: must be an action's name"},
		{`{"action":"a","action":"b"}`, "action: appears twice"},
		{`{"action":"a","colour":1}`, "colour: is not a member of a described request"},
		{`{"action":"a","mail":{"subject":"x"}}`, "mail.subject: is not a member"},
		{`{"action":"a","model":null}`, "model: must not be null"},
		{`{"action":"a","model":7}`, "model: must be a string"},
		{`{"action":"a","stream":"yes"}`, "stream: must be true or false"},
		{`{"action":"a","input_tokens":-1}`, "input_tokens: must be at least 0"},
		{`{"action":"a","output_tokens":1.5}`, "output_tokens: must be a whole number"},
		{`{"action":"a","choices":1000000000001}`, "choices: must be at most 1000000000000"},
		{`{"action":"a","body_bytes":-1}`, "body_bytes: must be at least 0"},
		{`{"action":"a","address":"here"}`, "address: must be an IP address"},
		{`{"action":"a","address":"fe80::1%eth0"}`, "address: must be an IP address without a zone"},
		{`{"action":"a","time":"noon"}`, "time: must be a time such as"},
		{`{"action":"a","time":"1999-01-01T00:00:00Z"}`, "time: must be a time from 2000 to 9999"},
		{`{"action":"a","app_status":"new"}`, "app_status: must be active, suspended or revoked"},
		{`{"action":"a","resource":"openai"}`, "resource: must be type:name"},
		{`{"action":"a","mail":{"to":"a.example"}}`, "mail.to: must be a list"},
		{`{"action":"a","mail":{"recipients":1000001}}`, "mail.recipients: must be at most 1000000"},
		{`{"action":"a","mail":{"attachment_bytes":-1}}`, "mail.attachment_bytes: must be at least 0"},
		{`{"action":"a","mail":{"messages":0}}`, "mail.messages: must be at least 1"},
	} {
		_, err := ParseRequest([]byte(row.give), Document{Resource: "llm:openai"}, noon)
		if _, ok := errors.AsType[*RequestError](err); !ok || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%.80s: %v, want %s", row.give, err, row.want)
		}
	}
}
