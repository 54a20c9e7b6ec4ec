package admin_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/usage"
)

// granted pairs an app that may use documents.
func (d *desk) granted(t *testing.T, name, documents string) admin.App {
	t.Helper()
	request := d.ask(t, name, asksOpenAI)
	_, err := d.Approve(t.Context(), request.ID, admin.ApproveInput{Documents: documents})
	check(t, err)
	app, err := d.App(t.Context(), request.AppID)
	check(t, err)
	return app.App
}

func TestUsage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	app := d.granted(t, "Notes", `{"resource":"llm:openai"}`)
	d.now = d.now.Add(-24 * time.Hour)
	d.usage.Record(usage.Request{App: app.ID, Resource: "llm:openai", Model: "gpt-4o", InputTokens: 10, OutputTokens: 3, Cost: 5})
	d.now = d.now.Add(24 * time.Hour)
	d.usage.Record(usage.Request{App: app.ID, Resource: "llm:openai", Model: "gpt-4o-mini", InputTokens: 20, CachedTokens: 4, Cost: 1})
	d.usage.Record(usage.Request{App: app.ID, Resource: "llm:openai", Model: "o3", Rule: "models"})
	d.usage.Record(usage.Request{App: "app_gone", Resource: "llm:other", Model: "m", Failed: true})
	for _, row := range []struct {
		query admin.UsageQuery
		want  string // key and requests of each row
		total int64
	}{
		{admin.UsageQuery{}, "=3", 3},
		{admin.UsageQuery{By: "app"}, app.ID + "=2 app_gone=1", 3},
		{admin.UsageQuery{By: "model", App: "Notes"}, "gpt-4o=1 gpt-4o-mini=1 o3=0", 2},
		{admin.UsageQuery{By: "day"}, "2026-11-20=1 2026-11-21=2", 3},
		{admin.UsageQuery{By: "day", Since: "2026-11-21"}, "2026-11-21=2", 2},
		{admin.UsageQuery{By: "day", Until: "2026-11-21"}, "2026-11-20=1", 1},
		{admin.UsageQuery{By: "resource", Resource: "llm:other"}, "llm:other=1", 1},
		{admin.UsageQuery{By: "rule"}, "models=0", 3},
		{admin.UsageQuery{By: "app", Since: "2026-12-01"}, "", 0},
	} {
		report, err := d.Usage(t.Context(), row.query)
		check(t, err)
		var got []string
		for _, r := range report.Rows {
			got = append(got, r.Key+"="+string(rune('0'+r.Requests)))
		}
		if strings.Join(got, " ") != row.want || report.Total.Requests != row.total {
			t.Errorf("%+v: got %v and %d in all, want %s and %d", row.query, got, report.Total.Requests, row.want, row.total)
		}
	}
	if report, err := d.Usage(t.Context(), admin.UsageQuery{By: "app"}); err != nil || report.Rows[0].Name != "Notes" || report.Rows[1].Name != "" {
		t.Errorf("%+v, %v", report.Rows, err)
	}
	for _, bad := range []admin.UsageQuery{{By: "colour"}, {Since: "soon"}, {Until: "2026-13-01"}} {
		if _, err := d.Usage(t.Context(), bad); !errors.Is(err, &admin.Error{Code: admin.CodeInvalidRequest}) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := d.Usage(t.Context(), admin.UsageQuery{App: "nobody"}); !errors.Is(err, &admin.Error{Code: admin.CodeNoApp}) {
		t.Errorf("nobody's usage: %v", err)
	}
	shown, err := d.App(t.Context(), "Notes")
	check(t, err)
	if r := shown.Recent; r.Today.Requests != 1 || r.Last30.Requests != 2 || r.Last30.Cost != 6 || len(r.Models) != 3 || len(r.Denied) != 1 || r.Denied[0].Key != "models" {
		t.Errorf("%+v", r)
	}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	if _, err := d.Webhook(t.Context()); !errors.Is(err, &admin.Error{Code: admin.CodeNoWebhook}) {
		t.Errorf("no webhook: %v", err)
	}
	if _, err := d.SetWebhook(t.Context(), "http://example.com/"); !errors.Is(err, &admin.Error{Code: admin.CodeInvalidRequest}) {
		t.Errorf("in clear: %v", err)
	}
	set, err := d.SetWebhook(t.Context(), hook.URL+"/path-secret")
	check(t, err)
	if !strings.HasPrefix(set.Secret, "whsec_") || set.URL != hook.URL+"/path-secret" {
		t.Errorf("%+v", set)
	}
	check(t, d.TestWebhook(t.Context()))
	d.alerts.Crossed(alerts.Crossing{AppID: "app_a", AppName: "Notes", Resource: "llm:openai", Limit: alerts.Limit{Per: "day", Unit: "requests", Cap: 10, Percent: 80}})
	d.alerts.Crossed(alerts.Crossing{AppID: "app_a", AppName: "Notes", Resource: "llm:openai", Limit: alerts.Limit{Per: "day", Unit: "requests", Cap: 10, Percent: 100}})
	all, err := d.Alerts(t.Context())
	if err != nil || len(all) != 2 || all[0].Words != "has used up its 10 requests a day" || all[0].Dismissed {
		t.Fatalf("%+v, %v", all, err)
	}
	if _, err := d.DismissAlert(t.Context(), "alert_nothing"); !errors.Is(err, &admin.Error{Code: admin.CodeNoAlert}) {
		t.Errorf("no alert: %v", err)
	}
	if out, err := d.DismissAlert(t.Context(), all[0].ID); err != nil || out.Dismissed != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	for _, want := range []int{1, 0} {
		if out, err := d.DismissAlerts(t.Context()); err != nil || out.Dismissed != want {
			t.Errorf("%+v, %v", out, err)
		}
	}
	hook.Close()
	if err := d.TestWebhook(t.Context()); !errors.Is(err, &admin.Error{Code: admin.CodeWebhookFailed}) || strings.Contains(err.Error(), "path-secret") {
		t.Errorf("a webhook that is gone: %v", err)
	}
	check(t, d.RemoveWebhook(t.Context()))
	want := []audit.Kind{audit.WebhookSet, audit.AlertDismissed, audit.AlertDismissed, audit.WebhookRemoved}
	if got := d.kinds(t, 10); !slices.Equal(got, want) {
		t.Errorf("recorded %v, want %v", got, want)
	}
	events, err := d.Audit(t.Context(), 10)
	check(t, err)
	for _, e := range events {
		if strings.Contains(e.Detail, "path-secret") || strings.Contains(e.Detail, set.Secret) {
			t.Errorf("the audit log has a secret: %+v", e)
		}
	}
}

// TestWebhookIsNotSetUnrecorded: where alerts go is not changed when that
// cannot be written down.
func TestWebhookIsNotSetUnrecorded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	check(t, d.audit.Close())
	if _, err := d.SetWebhook(t.Context(), "https://example.com/"); !errors.Is(err, &admin.Error{Code: admin.CodeAuditUnavailable}) {
		t.Errorf("got %v", err)
	}
	if _, set := d.alerts.Webhook(); set {
		t.Error("it is set")
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	info, err := d.PriceInfo(t.Context())
	if err != nil || info.Models == 0 || !info.Replaced.IsZero() {
		t.Fatalf("%+v, %v", info, err)
	}
	find := func(model string) (admin.Price, bool) {
		all, err := d.Prices(t.Context(), "llm:openai")
		check(t, err)
		i := slices.IndexFunc(all, func(p admin.Price) bool { return p.Model == model })
		if i < 0 {
			return admin.Price{}, false
		}
		return all[i], true
	}
	before, found := find("gpt-4o-mini")
	if !found || before.Own || before.Rate.Input == 0 {
		t.Fatalf("%+v", before)
	}
	own := admin.PriceInput{Resource: "llm:openai", Model: "gpt-4o-mini", Price: price.Override{Input: 7_000_000_000, Output: 9_000_000_000}}
	check(t, d.SetPrice(t.Context(), own))
	if p, _ := find("gpt-4o-mini"); !p.Own || p.Rate.Input != 7_000_000_000 {
		t.Errorf("%+v", p)
	}
	check(t, d.UnsetPrice(t.Context(), "llm:openai", "gpt-4o-mini"))
	for _, row := range []struct {
		what string
		err  error
		want admin.Code
	}{
		{"unset twice", d.UnsetPrice(t.Context(), "llm:openai", "gpt-4o-mini"), admin.CodeNoPrice},
		{"a provider that is not", d.SetPrice(t.Context(), admin.PriceInput{Resource: "llm:nothing", Model: "m"}), admin.CodeUnknownResource},
		{"a negative price", d.SetPrice(t.Context(), admin.PriceInput{Resource: "llm:openai", Model: "m", Price: price.Override{Input: -1}}), admin.CodeInvalidPrice},
	} {
		if !errors.Is(row.err, &admin.Error{Code: row.want}) {
			t.Errorf("%s: %v", row.what, row.err)
		}
	}
	if _, err := d.RefreshPrices(t.Context(), []byte(`{"openai": 5}`)); !errors.Is(err, &admin.Error{Code: admin.CodeInvalidCatalog}) {
		t.Errorf("a broken catalog: %v", err)
	}
	if _, err := d.RefreshPrices(t.Context(), make([]byte, admin.MaxCatalog+1)); !errors.Is(err, &admin.Error{Code: admin.CodeInvalidCatalog}) {
		t.Errorf("a huge catalog: %v", err)
	}
	summary, err := d.RefreshPrices(t.Context(), []byte(`{"openai":{"id":"openai","models":{"gpt-next":{"id":"gpt-next","cost":{"input":2,"output":8}}}}}`))
	if err != nil || summary.Models != 1 || summary.Removed == 0 {
		t.Errorf("%+v, %v", summary, err)
	}
	if _, found := find("gpt-4o-mini"); found {
		t.Error("the old catalog is still in force")
	}
	if _, err := d.ResetPrices(t.Context()); err != nil {
		t.Error(err)
	}
	if p, found := find("gpt-4o-mini"); !found || p.Rate.Input != before.Rate.Input {
		t.Errorf("%+v", p)
	}
	want := []audit.Kind{audit.PriceSet, audit.PriceUnset, audit.PricesRefreshed, audit.PricesReset}
	if got := d.kinds(t, 10); !slices.Equal(got, want) {
		t.Errorf("recorded %v, want %v", got, want)
	}
}

func TestPolicyTest(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const two = `[{"resource":"llm:other","limits":[{"per":"day","dollars":"1"}]},{"resource":"llm:openai","models":["gpt-4o*"],"limits":[{"per":"day","requests":1}]}]`
	app := d.granted(t, "Notes", two)
	const request = `{"resource":"llm:openai","action":"chat.completions","model":"gpt-4o"}`
	for _, row := range []struct {
		name string
		in   admin.PolicyTestInput
		want string // code of the refusal
	}{
		{"a document", admin.PolicyTestInput{Policy: two, Request: request}, ""},
		{"a model", admin.PolicyTestInput{Policy: two, Request: strings.Replace(request, "gpt-4o", "o3", 1)}, policy.CodeModelNotAllowed},
		{"the app's own", admin.PolicyTestInput{App: "Notes", Request: request}, ""},
		{"unpriced", admin.PolicyTestInput{App: app.ID, Request: `{"resource":"llm:other","action":"chat.completions","model":"x"}`}, policy.CodeModelUnpriced},
	} {
		got, err := d.TestPolicy(t.Context(), row.in)
		check(t, err)
		failed, denied := got.Denied()
		if failed.Code != row.want || denied == got.Allowed || got.Live != (row.in.App != "") {
			t.Errorf("%s: %+v", row.name, got)
		}
	}
	permission := d.pairing.Permissions(app.ID)[1]
	if permission.Document.Resource != "llm:openai" {
		permission = d.pairing.Permissions(app.ID)[0]
	}
	held, err := d.ledger.Reserve(permission.ID, permission.Document, policy.Request{AppStatus: "active", Resource: "llm:openai", Action: "chat.completions", Model: "gpt-4o", Choices: 1, Time: d.now})
	check(t, err)
	held.Settle(policy.Usage{})
	if got, err := d.TestPolicy(t.Context(), admin.PolicyTestInput{App: "Notes", Request: request}); err != nil || got.Allowed {
		t.Errorf("used up: %+v, %v", got, err)
	}
	if got, err := d.TestPolicy(t.Context(), admin.PolicyTestInput{Policy: two, Request: request}); err != nil || !got.Allowed {
		t.Errorf("without the counters: %+v, %v", got, err)
	}
	for _, row := range []struct {
		in   admin.PolicyTestInput
		want admin.Code
	}{
		{admin.PolicyTestInput{Policy: `{"resource":"llm:openai","modles":[]}`, Request: request}, admin.CodeInvalidPolicy},
		{admin.PolicyTestInput{Policy: two, Request: `{"action":"x","modle":"y"}`}, admin.CodeInvalidRequest},
		{admin.PolicyTestInput{Policy: two, Request: `{"resource":"llm:none","action":"x"}`}, admin.CodeInvalidRequest},
		{admin.PolicyTestInput{Policy: two, Request: `no JSON`}, admin.CodeInvalidRequest},
		{admin.PolicyTestInput{Request: request}, admin.CodeInvalidRequest},
		{admin.PolicyTestInput{App: "nobody", Request: request}, admin.CodeNoApp},
		{admin.PolicyTestInput{App: "Notes", Policy: `{"resource":"mail:resend"}`, Request: `{"action":"emails.send"}`}, admin.CodeNotGranted},
	} {
		if _, err := d.TestPolicy(t.Context(), row.in); !errors.Is(err, &admin.Error{Code: row.want}) {
			t.Errorf("%+v: %v, want %s", row.in, err, row.want)
		}
	}
}
