package ui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/usage"
)

// has fails for each text that the page does not show.
func (r reply) has(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.body, text) {
			t.Errorf("%s does not show %q", r.Request.URL, text)
		}
	}
}

// lacks fails for each text that the page shows.
func (r reply) lacks(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(r.body, text) {
			t.Errorf("%s shows %q", r.Request.URL, text)
		}
	}
}

func TestUsagePage(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.get("/usage").has(t, "Requests a day", "$0.00")
	a := c.approved("Notes")
	c.usage.Record(usage.Request{App: a.id, Resource: "llm:openai", Model: "gpt-4o", InputTokens: 12_345, OutputTokens: 7, Cost: 1_234_000_000, Latency: time.Second})
	c.usage.Record(usage.Request{App: a.id, Resource: "llm:openai", Model: "<script>alert(1)</script>", Rule: "models"})
	c.usage.Record(usage.Request{App: "app_gone", Resource: "llm:other", Model: "m", Failed: true})
	page := v.get("/usage?days=7")
	page.want(t, http.StatusOK, "")
	page.has(t, "Dollars a day", "$1.23", "12,345", "gpt-4o", "Notes", "app_gone", "llm:other", "&lt;script&gt;", "1,000 ms", `href="/usage?days=30"`)
	page.lacks(t, "<script>alert")
	only := v.get("/usage?app=" + a.id)
	only.has(t, "gpt-4o", "Notes", `href="/usage?app=`+a.id+`&amp;days=7"`)
	only.lacks(t, "llm:other", "app_gone")
	v.get("/apps/"+a.id).has(t, "What it used in the last 30 days", "$1.23", "Refused by", "models", "/usage?app="+a.id)
	v.get("/").has(t, `href="/usage"`)
}

func (c *console) raise(name string, percent int) {
	c.alerts.Crossed(alerts.Crossing{
		AppID: "app_a", AppName: name, Resource: "llm:openai",
		Limit: alerts.Limit{Per: "day", Unit: "requests", Used: 80, Cap: 100, Percent: percent},
	})
}

func TestAlertsPage(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.get("/alerts").has(t, "Nothing to tell")
	v.get("/").lacks(t, "alerts</span>", "/alerts/dismiss")
	for range 4 {
		c.raise("Notes", 80)
	}
	c.raise("<b>bold</b>", 100)
	overview := v.get("/")
	overview.has(t, "5<span", "2 more", "&lt;b&gt;bold&lt;/b&gt;", "has used up its 100 requests a day", "has used 80 % of its 100 requests a day")
	if n := strings.Count(overview.body, "has used"); n != 3 {
		t.Errorf("the overview shows %d alerts", n)
	}
	id := c.alerts.List()[0].ID
	v.post("/alerts/"+id+"/dismiss", "back", "/").want(t, http.StatusSeeOther, "/")
	v.get("/").lacks(t, "bold")
	v.get("/alerts").has(t, "bold")
	v.post("/alerts/dismiss", "back", "https://elsewhere.example/").want(t, http.StatusSeeOther, "/")
	if n := c.alerts.Unread(); n != 0 {
		t.Errorf("%d unread", n)
	}
	v.get("/alerts").lacks(t, "Dismiss all")
	v.post("/alerts/alert_nothing/dismiss").want(t, http.StatusNotFound, "")
	if n := c.events(audit.AlertDismissed); n != 2 {
		t.Errorf("%d lines in the audit log", n)
	}
	if got := c.visitor().post("/alerts/dismiss"); got.StatusCode != http.StatusSeeOther || got.location() != "/sign-in" {
		t.Errorf("a stranger: %d to %s", got.StatusCode, got.location())
	}
}

func TestTesterPage(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.approved("Notes") // ten a day, three made
	permission := c.pairing.Permissions(a.id)[0].ID
	v.get("/apps/"+a.id).has(t, "/tester?permission="+permission)
	v.get("/tester?permission="+permission).has(t, `value="`+permission+`" selected`, "Notes: OpenAI")

	ask := func(fields ...string) reply {
		return v.post("/tester", append([]string{"permission", permission, "live", "yes", "action", "chat.completions", "model", "gpt-4o-mini"}, fields...)...)
	}
	ask().has(t, "It would pass", "<code>limits</code>", `value="gpt-4o-mini"`)
	a.use(7)
	ask().has(t, "It would be refused", "request_quota_spent")
	ask("live", "").has(t, "It would be refused") // the first value counts
	v.post("/tester", "permission", permission, "action", "chat.completions", "model", "gpt-4o-mini").has(t, "It would pass")
	c.must(c.pairing.Suspend(a.id))
	ask().has(t, "app_suspended", "not reached")

	const own = `{"resource": "llm:openai", "models": ["gpt-4o*"], "hours": {"from": "09:00", "to": "18:00"}, "mail": {"max_recipients": 2}}`
	for _, row := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"passes", []string{"model", "gpt-4o", "when", "2026-11-20T12:00"}, "It would pass"},
		{"hours", []string{"model", "gpt-4o", "when", "2026-11-20T20:00"}, "outside_hours"},
		{"model", []string{"model", "o3", "when", "2026-11-20T12:00"}, "model_not_allowed"},
		{"mail", []string{"model", "gpt-4o", "when", "2026-11-20T12:00", "from", "a.example", "to", "b.example, c.example", "recipients", "3"}, "recipient_not_allowed"},
		{"no number", []string{"input", "many"}, "Tokens in: give a whole number."},
		{"no time", []string{"when", "soon"}, "When: give a date and a time."},
		{"no address", []string{"address", "nowhere"}, "must be an IP address"},
		{"no action", []string{"action", ""}, "Action: "},
	} {
		got := v.post("/tester", append(append([]string{}, row.fields...), "policy", own, "action", "chat.completions")...)
		status := http.StatusOK
		if !strings.Contains(got.body, "<ol class=\"checks\">") {
			status = http.StatusUnprocessableEntity
		}
		if got.want(t, status, ""); !strings.Contains(got.body, row.want) {
			t.Errorf("%s: no %q", row.name, row.want)
		}
	}
	v.post("/tester", "policy", `{"resource": "llm:openai", "modles": []}`, "action", "chat.completions").has(t, "modles")
	v.post("/tester", "action", "chat.completions").has(t, "Choose an app")
	v.post("/tester", "permission", "per_gone", "action", "chat.completions").has(t, "This permission is gone")
	if got := c.visitor().post("/tester"); got.location() != "/sign-in" {
		t.Errorf("a stranger: %d to %s", got.StatusCode, got.location())
	}
}
