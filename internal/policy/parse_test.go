package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	json2 "github.com/go-json-experiment/json"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const whole = `{
	"resource": "llm:openai",
	"actions": ["chat.completions", "models.list"],
	"not_before": "2026-12-01T00:00:00Z",
	"expires_at": "2026-12-31T23:59:59+01:00",
	"hours": {"from": "09:00", "to": "18:00", "days": ["mon", "tue", "wed", "thu", "fri"]},
	"addresses": ["203.0.113.0/24", "2001:db8::7"],
	"origins": ["https://app.example", "http://127.0.0.1:5173"],
	"require_body_hash": true,
	"models": ["gpt-4o*", "text-embedding-3-*"],
	"deny_models": ["*-audio*"],
	"max_input_tokens": 32000,
	"max_output_tokens": 4096,
	"max_body_bytes": 1048576,
	"tools": "deny",
	"streaming": "allow",
	"mail": {"from_domains": ["example.com"], "to_domains": [], "max_recipients": 10, "html": "allow", "max_attachment_bytes": 0},
	"limits": [
		{"per": "minute", "requests": 60, "tokens": 100000},
		{"per": "day", "requests": 1000, "tokens": 2000000, "dollars": "1.50"},
		{"per": "month", "dollars": "20"},
		{"per": "lifetime", "requests": 100000},
		{"per": "day", "model": "gpt-4o", "requests": 50}
	],
	"concurrency": 8
}`

func TestParseReadsEveryMember(t *testing.T) {
	t.Parallel()
	got, err := Parse([]byte(whole), noon)
	if err != nil {
		t.Fatal(err)
	}
	want := Document{
		Resource:        "llm:openai",
		Actions:         []string{"chat.completions", "models.list"},
		NotBefore:       time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		ExpiresAt:       time.Date(2026, 12, 31, 22, 59, 59, 0, time.UTC),
		Hours:           &Hours{From: 9 * 60, To: 18 * 60, Days: []Weekday{"mon", "tue", "wed", "thu", "fri"}},
		Addresses:       []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::7/128")},
		Origins:         []string{"https://app.example", "http://127.0.0.1:5173"},
		RequireBodyHash: true,
		Models:          []string{"gpt-4o*", "text-embedding-3-*"},
		DenyModels:      []string{"*-audio*"},
		MaxInputTokens:  32000,
		MaxOutputTokens: 4096, MaxBodyBytes: 1 << 20,
		Tools: Deny, Streaming: Allow,
		Mail: &Mail{
			FromDomains: []string{"example.com"}, ToDomains: []string{}, MaxRecipients: 10,
			HTML: Allow, MaxAttachmentBytes: new(int64(0)),
		},
		Limits: []Limit{
			{Per: Minute, Requests: 60, Tokens: 100_000},
			{Per: Day, Requests: 1000, Tokens: 2_000_000, Dollars: 1_500_000_000},
			{Per: Month, Dollars: 20_000_000_000},
			{Per: Lifetime, Requests: 100000}, {Per: Day, Model: "gpt-4o", Requests: 50},
		},
		Concurrency: 8,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	roundTrip(t, got)
}

// roundTrip asserts that a document survives both JSON encoders in use.
func roundTrip(t *testing.T, d Document) {
	t.Helper()
	standard, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	strict, err := json2.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{standard, strict} {
		again, err := Parse(data, noon)
		if err != nil {
			t.Fatalf("parsing %s: %v", data, err)
		}
		if !reflect.DeepEqual(again, d) {
			t.Errorf("round trip changed\n%+v\nto\n%+v", d, again)
		}
	}
	var stored Document
	if err := json.Unmarshal(standard, &stored); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(stored, d) {
		t.Errorf("storing changed\n%+v\nto\n%+v", d, stored)
	}
}

func TestParseRefusesByPath(t *testing.T) {
	t.Parallel()
	doc := func(members string) string { return `{"resource":"llm:openai",` + members + `}` }
	many := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	numbered := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(`"m%d"`, i)
		}
		return strings.Join(all, ",")
	}
	for _, row := range []struct{ give, path, problem string }{
		{``, "", "is not valid JSON"},
		{`{`, "", "is not valid JSON"},
		{`null`, "", "must not be null"},
		{`7`, "", "must be an object"},
		{`"llm:openai"`, "", "must be an object"},
		{`{} {}`, "", "is not valid JSON"},
		{`{"resource":"llm:openai"}x`, "", "is not valid JSON"},
		{`{}`, "resource", "is required"},
		{`{"resource":""}`, "resource", "is required"},
		{`{"resource":"openai"}`, "resource", "must be type:name"},
		{`{"resource":"llm:"}`, "resource", "must be type:name"},
		{`{"resource":"llm:open/ai"}`, "resource", "must be type:name"},
		{`{"resource":"llm:openai:x"}`, "resource", "must be type:name"},
		{`{"resource":"LLM:OpenAI"}`, "resource", "must be type:name"},
		{`{"resource":"llm:` + strings.Repeat("a", 65) + `"}`, "resource", "must be type:name"},
		{`{"resource":"llm:openai","resource":"llm:openai"}`, "resource", "appears twice"},
		{`{"Resource":"llm:openai"}`, "Resource", "is not a member"},
		{"{\"resource\":\"llm:open\xffai\"}", "resource", "is not valid JSON"},

		{doc(`"colour":"red"`), "colour", "is not a member"},
		{doc(`"two words":1`), `"two words"`, "is not a member"},
		{doc(`"limits":[{"per":"day","requests":1,"colour":2}]`), "limits[0].colour", "is not a member"},
		{doc(`"origins":"https://app.example"`), "origins", "must be a list"},
		{doc(`"origins":[]`), "origins", "must list 1 to 16"},
		{doc(`"origins":["https://app.example","*"]`), "origins[1]", "must be an origin"},
		{doc(`"require_body_hash":"yes"`), "require_body_hash", "must be true or false"},
		{doc(`"limits":[{"per":"day","requests":1},{"per":"day","tokens":0}]`), "limits[1].tokens", "must be at least 1"},
		{doc(`"limits":[{"per":"day","tokens":1000000000001}]`), "limits[0].tokens", "must be at most"},
		{doc(`"limits":[{"per":"day","dollars":1.5}]`), "limits[0].dollars", "must be an amount of dollars in quotes"},
		{doc(`"limits":[{"per":"day","dollars":"-1"}]`), "limits[0].dollars", "must be an amount of dollars such as"},
		{doc(`"limits":[{"per":"day","dollars":"1e3"}]`), "limits[0].dollars", "must be an amount of dollars such as"},
		{doc(`"limits":[{"per":"day","dollars":"1."}]`), "limits[0].dollars", "must be an amount of dollars such as"},
		{doc(`"limits":[{"per":"day","dollars":".5"}]`), "limits[0].dollars", "must be an amount of dollars such as"},
		{doc(`"limits":[{"per":"day","dollars":"$1"}]`), "limits[0].dollars", "must be an amount of dollars such as"},
		{doc(`"limits":[{"per":"day","dollars":"0.0000000001"}]`), "limits[0].dollars", "must have at most 9 decimals"},
		{doc(`"limits":[{"per":"day","dollars":"0.00"}]`), "limits[0].dollars", "must be more than 0"},
		{doc(`"limits":[{"per":"day","dollars":"1000000000.01"}]`), "limits[0].dollars", "must be at most 1000000000.00 dollars"},
		{doc(`"limits":[{"per":"day","dollars":"99999999999999999999"}]`), "limits[0].dollars", "must be at most"},
		{doc(`"limits":[{"per":"day","tokens":1,"requests":1},{"per":"day","tokens":2}]`), "limits[1]", "counts the same as limits[0]"},
		{doc(`"limits":[{"per":"day","dollars":"1"},{"per":"day","dollars":"2"}]`), "limits[1]", "counts the same as limits[0]"},

		{doc(`"hours":[]`), "hours", "must be an object"},
		{doc(`"hours":{}`), "hours.from", "is required"},
		{doc(`"hours":{"from":"09:00"}`), "hours.to", "is required"},
		{doc(`"hours":{"from":"9:00","to":"18:00"}`), "hours.from", "must be a time of day"},
		{doc(`"hours":{"from":"09:00:00","to":"18:00"}`), "hours.from", "must be a time of day"},
		{doc(`"hours":{"from":"09:00","to":"25:00"}`), "hours.to", "must be a time of day"},
		{doc(`"hours":{"from":"24:00","to":"18:00"}`), "hours.from", "must be a time of day"},
		{doc(`"hours":{"from":9,"to":18}`), "hours.from", "must be a string"},
		{doc(`"hours":{"from":"09:00","to":"09:00"}`), "hours.to", "must differ"},
		{doc(`"hours":{"from":"00:00","to":"24:00"}`), "hours", "allows every hour"},
		{doc(`"hours":{"days":["mon","tue","wed","thu","fri","sat","sun"]}`), "hours", "allows every hour"},
		{doc(`"hours":{"from":"09:00","to":"18:00","days":[]}`), "hours.days", "must list 1 to 7"},
		{doc(`"hours":{"from":"09:00","to":"18:00","days":["Mon"]}`), "hours.days[0]", "must be mon"},
		{doc(`"hours":{"from":"09:00","to":"18:00","days":["mon","mon"]}`), "hours.days[1]", "is listed twice"},
		{doc(`"hours":{"from":"09:00","to":"18:00","zone":"UTC"}`), "hours.zone", "is not a member"},

		{doc(`"addresses":[]`), "addresses", "must list 1 to 64"},
		{doc(`"addresses":[""]`), "addresses[0]", "must be an IP address or a network"},
		{doc(`"addresses":["203.0.113.7","localhost"]`), "addresses[1]", "must be an IP address or a network"},
		{doc(`"addresses":["203.0.113.7/33"]`), "addresses[0]", "must be an IP address or a network"},
		{doc(`"addresses":["203.0.113.007"]`), "addresses[0]", "must be an IP address or a network"},
		{doc(`"addresses":["203.0.113.7:80"]`), "addresses[0]", "must be an IP address or a network"},
		{doc(`"addresses":["fe80::1%eth0"]`), "addresses[0]", "must be an IP address or a network"},
		{doc(`"addresses":["fe80::%eth0/10"]`), "addresses[0]", "must be an IP address or a network"},
		{doc(`"addresses":["203.0.113.7/24"]`), "addresses[0]", "has bits beyond its length; the network is 203.0.113.0/24"},
		{doc(`"addresses":["::ffff:203.0.113.7/64"]`), "addresses[0]", "has bits beyond its length"},
		{doc(`"addresses":["203.0.113.7","::ffff:203.0.113.7"]`), "addresses[1]", "is listed twice"},

		{doc(`"max_input_tokens":0`), "max_input_tokens", "must be at least 1"},

		{doc(`"mail":{}`), "mail", "must restrict something"},
		{doc(`"mail":{"from_domains":[]}`), "mail.from_domains", "must list 1 to 64"},
		{doc(`"mail":{"from_domains":["@example.com"]}`), "mail.from_domains[0]", "must be a domain"},
		{doc(`"mail":{"from_domains":["a.example","a@b.example"]}`), "mail.from_domains[1]", "must be a domain"},
		{doc(`"mail":{"to_domains":["*"]}`), "mail.to_domains[0]", "must be a domain"},
		{doc(`"mail":{"to_domains":["*.*.example"]}`), "mail.to_domains[0]", "must be a domain"},
		{doc(`"mail":{"to_domains":["*example.com"]}`), "mail.to_domains[0]", "must be a domain"},
		{doc(`"mail":{"to_domains":["example..com"]}`), "mail.to_domains[0]", "must be a domain"},
		{doc(`"mail":{"to_domains":["example.com."]}`), "mail.to_domains[0]", "must be a domain"},
		{doc(`"mail":{"to_domains":["exa mple.com"]}`), "mail.to_domains[0]", "must be a domain"},
		{doc(`"mail":{"to_domains":["` + strings.Repeat("a", 64) + `.example"]}`), "mail.to_domains[0]", "must be a domain"},
		{doc(`"mail":{"to_domains":["bücher.example","xn--bcher-kva.example"]}`), "mail.to_domains[1]", "is listed twice"},
		{doc(`"mail":{"to_domains":["EXAMPLE.com","example.com"]}`), "mail.to_domains[1]", "is listed twice"},
		{doc(`"mail":{"max_recipients":0}`), "mail.max_recipients", "must be at least 1"},
		{doc(`"mail":{"html":""}`), "mail.html", `must be "allow" or "deny"`},
		{doc(`"mail":{"html":"no"}`), "mail.html", `must be "allow" or "deny"`},
		{doc(`"mail":{"max_attachment_bytes":-1}`), "mail.max_attachment_bytes", "must be at least 0"},
		{doc(`"mail":{"max_attachment_bytes":1000000000001}`), "mail.max_attachment_bytes", "must be at most"},
		{doc(`"mail":{"subject":"x"}`), "mail.subject", "is not a member"},

		{doc(`"models":null`), "models", "must not be null"},
		{doc(`"models":["gpt-4o",null]`), "models[1]", "must not be null"},
		{doc(`"expires_at":null`), "expires_at", "must not be null"},
		{doc(`"limits":[{"per":"day","requests":null}]`), "limits[0].requests", "must not be null"},

		{doc(`"actions":[]`), "actions", "must list 1 to 64"},
		{doc(`"actions":["Chat"]`), "actions[0]", "must be an action's name"},
		{doc(`"actions":["a","b","a"]`), "actions[2]", "is listed twice"},
		{doc(`"actions":"chat.completions"`), "actions", "must be a list"},
		{doc(`"actions":[1]`), "actions[0]", "must be a string"},
		{doc(`"models":[]`), "models", "must list 1 to 64"},
		{doc(`"models":[""]`), "models[0]", "must be a model's name or a glob"},
		{doc(`"models":["gpt 4o"]`), "models[0]", "must be a model's name or a glob"},
		{doc(`"models":["gpt-4o\u202e"]`), "models[0]", "must be a model's name or a glob"},
		{doc(`"models":["` + strings.Repeat("m", 129) + `"]`), "models[0]", "must be a model's name or a glob"},
		{doc(`"models":[` + numbered(65) + `]`), "models", "must list 1 to 64"},
		{doc(`"deny_models":[]`), "deny_models", "must list 1 to 64"},

		{doc(`"not_before":"tomorrow"`), "not_before", "must be a time such as"},
		{doc(`"not_before":1700000000`), "not_before", "must be a time such as"},
		{doc(`"expires_at":"0001-01-01T00:00:00Z"`), "expires_at", "must be a time from 2000 to 9999"},
		{doc(`"not_before":"1999-12-31T23:59:59Z"`), "not_before", "must be a time from 2000 to 9999"},
		{doc(`"not_before":"2026-12-01T00:00:00Z","expires_at":"2026-12-01T00:00:00Z"`), "expires_at", "must be later than not_before"},
		{doc(`"expires_at":"2026-11-21T12:00:00Z"`), "expires_at", "is in the past; give a later time"},
		{doc(`"expires_at":"2020-01-01T00:00:00Z"`), "expires_at", "is in the past; give a later time"},
		{doc(`"expires_in":"24h","expires_at":"2026-12-01T00:00:00Z"`), "expires_in", "cannot be given together"},
		{doc(`"expires_in":"soon"`), "expires_in", "must be a duration"},
		{doc(`"expires_in":true`), "expires_in", "must be a duration"},
		{doc(`"expires_in":1.5`), "expires_in", "must be a duration"},
		{doc(`"expires_in":"3651d"`), "expires_in", "must be from 1 second to 3650 days"},
		{doc(`"expires_in":"99999999d"`), "expires_in", "must be a duration"},
		{doc(`"expires_in":"-1h"`), "expires_in", "must be from 1 second to 3650 days"},
		{doc(`"expires_in":0`), "expires_in", "must be from 1 second to 3650 days"},
		{doc(`"expires_in":-9223372036854775808`), "expires_in", "must be from 1 second to 3650 days"},
		{doc(`"expires_in":9223372036854775807`), "expires_in", "must be from 1 second to 3650 days"},

		{doc(`"max_output_tokens":0`), "max_output_tokens", "must be at least 1"},
		{doc(`"max_body_bytes":-1`), "max_body_bytes", "must be at least 1"},
		{doc(`"max_body_bytes":"1"`), "max_body_bytes", "must be a whole number"},
		{doc(`"max_body_bytes":1.5`), "max_body_bytes", "must be a whole number"},
		{doc(`"max_body_bytes":1000000000001`), "max_body_bytes", "must be at most"},
		{doc(`"max_body_bytes":99999999999999999999`), "max_body_bytes", "must be a whole number"},
		{doc(`"concurrency":0`), "concurrency", "must be at least 1"},
		{doc(`"concurrency":10001`), "concurrency", "must be at most 10000"},
		{doc(`"tools":""`), "tools", `must be "allow" or "deny"`},
		{doc(`"tools":"Deny"`), "tools", `must be "allow" or "deny"`},
		{doc(`"streaming":false`), "streaming", "must be a string"},

		{doc(`"limits":[]`), "limits", "must list 1 to 32"},
		{doc(`"limits":{}`), "limits", "must be a list"},
		{doc(`"limits":[{"requests":5}]`), "limits[0].per", "is required"},
		{doc(`"limits":[{"per":"hour","requests":5}]`), "limits[0].per", "must be minute, day, month or lifetime"},
		{doc(`"limits":[{"per":"day"}]`), "limits[0]", "must cap something"},
		{doc(`"limits":[{"per":"day","requests":1},{"per":"month","requests":0}]`), "limits[1].requests", "must be at least 1"},
		{doc(`"limits":[{"per":"day","requests":1,"model":""}]`), "limits[0].model", "must be a model's name or a glob"},
		{doc(`"limits":[{"per":"day","requests":1,"model":"a b"}]`), "limits[0].model", "must be a model's name or a glob"},
		{doc(`"limits":[{"per":"day","requests":1},{"per":"day","requests":2}]`), "limits[1]", "counts the same as limits[0]"},
		{doc(`"limits":[{"per":"day","model":"models/g","requests":1},{"per":"day","model":"g","requests":2}]`), "limits[1]", "counts the same as limits[0]"},
		{doc(`"limits":[` + many(33, `{"per":"day","requests":1}`) + `]`), "limits", "must list 1 to 32"},
		{doc(`"models":["` + strings.Repeat("m", MaxDocumentBytes) + `"]`), "", "is longer than 65536 bytes"},
	} {
		_, err := Parse([]byte(row.give), noon)
		refused, ok := errors.AsType[*DocumentError](err)
		if !ok {
			t.Errorf("%.120s: got %v, want a refusal at %q", row.give, err, row.path)
			continue
		}
		if refused.Path != row.path || !strings.HasPrefix(refused.Problem, row.problem) {
			t.Errorf("%.120s:\n got %s\nwant %s: %s", row.give, err, row.path, row.problem)
		}
	}
}

func TestParseCountsExpiryFromNow(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]time.Duration{
		`"24h"`:     24 * time.Hour,
		`"30d"`:     30 * 24 * time.Hour,
		`"1d12h"`:   36 * time.Hour,
		`"90m"`:     90 * time.Minute,
		`"3650d"`:   3650 * 24 * time.Hour,
		`3600`:      time.Hour,
		`1`:         time.Second,
		`315360000`: 3650 * 24 * time.Hour,
	} {
		d, err := Parse([]byte(`{"resource":"llm:openai","expires_in":`+give+`}`), noon)
		if err != nil {
			t.Errorf("%s: %v", give, err)
			continue
		}
		if got := d.ExpiresAt.Sub(noon); got != want {
			t.Errorf("%s: expires in %v, want %v", give, got, want)
		}
		roundTrip(t, d)
	}
}

func TestParseAllTakesOneOrSeveral(t *testing.T) {
	t.Parallel()
	for _, give := range []string{
		`{"resource":"llm:openai"}`,
		` [{"resource":"llm:openai"}]`,
		`[{"resource":"llm:openai"},{"resource":"mail:resend","limits":[{"per":"day","requests":3}]}]`,
	} {
		all, err := ParseAll([]byte(give), noon)
		if err != nil {
			t.Errorf("%s: %v", give, err)
		}
		if want := strings.Count(give, "resource"); len(all) != want {
			t.Errorf("%s: %d documents, want %d", give, len(all), want)
		}
	}
	for _, row := range []struct{ give, want string }{
		{`[]`, "policy document: must be 1 to 32 documents, not 0"},
		{`[` + strings.TrimSuffix(strings.Repeat(`{},`, 33), ",") + `]`, "policy document: must be 1 to 32 documents, not 33"},
		{`[null]`, "[0]: must not be null; leave the member out instead"},
		{`[[]]`, "[0]: must be an object"},
		{`[{"resource":"llm:openai"}] []`, "policy document: is not valid JSON (at byte 28)"},
		{`[{"resource":"llm:openai"},{"resource":"llm:openai"}]`, "[1].resource: llm:openai already has a document"},
		{`[{"resource":"llm:openai"},{"resource":"llm:groq","limits":[{"per":"day","requests":0}]}]`, "[1].limits[0].requests: must be at least 1"},
		{`[{"resource":"llm:openai","mail":{}}]`, "[0].mail: must restrict something; leave it out to allow all"},
		{`[{"resource":"a:b","resource":"a:c"}]`, "[0].resource: appears twice"},
	} {
		if _, err := ParseAll([]byte(row.give), noon); err == nil || err.Error() != row.want {
			t.Errorf("%.80s:\n got %v\nwant %s", row.give, err, row.want)
		}
	}
}

func TestValidateRefusesWhatParseWould(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		give Document
		path string
	}{
		{Document{}, "resource"},
		{Document{Resource: "llm:openai", Models: []string{}}, "models"},
		{Document{Resource: "llm:openai", Tools: "no"}, "tools"},
		{Document{Resource: "llm:openai", Limits: []Limit{{Per: "week", Requests: 1}}}, "limits[0].per"},
		{Document{Resource: "llm:openai", Limits: []Limit{{Per: Day, Requests: -1}}}, "limits[0].requests"},
		{Document{Resource: "llm:openai", Concurrency: -1}, "concurrency"},
		{Document{Resource: "llm:openai", Limits: []Limit{{Per: Day, Tokens: -1}}}, "limits[0].tokens"},
		{Document{Resource: "llm:openai", Limits: []Limit{{Per: Day, Dollars: -1}}}, "limits[0].dollars"},
		{Document{Resource: "llm:openai", MaxInputTokens: -1}, "max_input_tokens"},
		{Document{Resource: "llm:openai", Hours: &Hours{}}, "hours.to"},
		{Document{Resource: "llm:openai", Hours: &Hours{From: -1, To: 5}}, "hours.from"},
		{Document{Resource: "llm:openai", Hours: &Hours{From: 1, To: 1441}}, "hours.to"},
		{Document{Resource: "llm:openai", Hours: &Hours{From: 1, To: 2, Days: []Weekday{"day"}}}, "hours.days[0]"},
		{Document{Resource: "llm:openai", Addresses: []netip.Prefix{{}}}, "addresses[0]"},
		{Document{Resource: "llm:openai", Addresses: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}}, "addresses[0]"},
		{Document{Resource: "mail:resend", Mail: &Mail{}}, "mail"},
		{Document{Resource: "mail:resend", Mail: &Mail{ToDomains: []string{"Example.com"}}}, "mail.to_domains[0]"},
		{Document{Resource: "mail:resend", Mail: &Mail{FromDomains: []string{}}}, "mail.from_domains"},
		{Document{Resource: "mail:resend", Mail: &Mail{MaxRecipients: -1}}, "mail.max_recipients"},
		{Document{Resource: "mail:resend", Mail: &Mail{MaxAttachmentBytes: new(int64(-1))}}, "mail.max_attachment_bytes"},
		{Document{Resource: "llm:openai", ExpiresAt: time.Unix(0, 0)}, "expires_at"},
	} {
		refused, ok := errors.AsType[*DocumentError](row.give.Validate())
		if !ok || refused.Path != row.path {
			t.Errorf("%+v: got %v, want a refusal at %s", row.give, refused, row.path)
		}
	}
}

// What means the same is read as the same value.
func TestParseNormalises(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ give, same string }{
		{`"addresses":["::ffff:203.0.113.0/120"]`, `"addresses":["203.0.113.0/24"]`},
		{`"addresses":["::ffff:203.0.113.7"]`, `"addresses":["203.0.113.7/32"]`},
		{`"addresses":["2001:DB8:0::0/32"]`, `"addresses":["2001:db8::/32"]`},
		{`"mail":{"from_domains":["BÜCHER.example"]}`, `"mail":{"from_domains":["xn--bcher-kva.example"]}`},
		{`"mail":{"to_domains":["*.Example.COM"]}`, `"mail":{"to_domains":["*.example.com"]}`},
		{`"hours":{"days":["sat"]}`, `"hours":{"from":"00:00","to":"24:00","days":["sat"]}`},
		{`"limits":[{"per":"day","dollars":"1.5"}]`, `"limits":[{"per":"day","dollars":"01.500000000"}]`},
		{`"expires_at":"2026-12-01T01:00:00+01:00"`, `"expires_at":"2026-12-01T00:00:00Z"`},
	} {
		one, err := Parse([]byte(`{"resource":"mail:resend",`+row.give+`}`), noon)
		if err != nil {
			t.Errorf("%s: %v", row.give, err)
			continue
		}
		other, err := Parse([]byte(`{"resource":"mail:resend",`+row.same+`}`), noon)
		if err != nil || !reflect.DeepEqual(one, other) {
			t.Errorf("%s: %+v, but %s: %+v, %v", row.give, one, row.same, other, err)
		}
		roundTrip(t, one)
	}
}

// A list that allows no recipient must not come back from the store as one
// that is absent, which would allow all of them.
func TestNoRecipientsIsNotAnyRecipient(t *testing.T) {
	t.Parallel()
	for give, nobody := range map[string]bool{`{"to_domains":[]}`: true, `{"html":"deny"}`: false} {
		d, err := Parse([]byte(`{"resource":"mail:resend","mail":`+give+`}`), noon)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, d)
		if got := d.Mail.ToDomains != nil; got != nobody {
			t.Errorf("%s: %v", give, d.Mail.ToDomains)
		}
	}
}
