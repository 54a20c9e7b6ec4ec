package ui_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

const wantsOpenAI = `[{"type":"keywicket","identifier":"llm:openai"}]`

var chosenEnd = regexp.MustCompile(`name="until" value="(\w+)" checked`)

func TestConsentShowsWhoAsks(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.asks(`<b>Notes</b> & co`, `[{"type":"keywicket","identifier":"llm:openai","models":["gpt-4o*"],"limits":{"limits":[{"per":"day","requests":25}]},"reason":"It \"needs\" <i>it</i>"}]`)
	r := a.request()
	page := v.get("/requests/" + r.ID)
	page.want(t, http.StatusOK, "")
	for _, want := range []string{
		"&lt;b&gt;Notes&lt;/b&gt; &amp; co", "Not verified", "https://notes.example", "192.0.2.17",
		r.UserCode, "&lt;i&gt;it&lt;/i&gt;", "Models: gpt-4o*", "25 requests a day", `value="25"`, "You have no key for OpenAI yet",
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("does not show %q", want)
		}
	}
	for group := range strings.SplitSeq(r.Fingerprint, "-") {
		if len(group) != 4 || !strings.Contains(page.body, "<span>"+group+"</span>") {
			t.Errorf("does not show the group %q of the fingerprint", group)
		}
	}
	if strings.Contains(page.body, "<b>Notes") || strings.Contains(page.body, `href="https://notes.example`) {
		t.Error("the app's words are taken for markup, or can be clicked")
	}
	if list := v.get("/requests"); !strings.Contains(list.body, r.UserCode) {
		t.Error("is not listed")
	}
}

// TestUnsignedRequest has the words of somebody who may not be the app, so they
// must not stand beside the app's fingerprint.
func TestUnsignedRequest(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.asks("Notes", wantsOpenAI)
	approve := "/requests/" + a.request().ID + "/approve"
	if strings.Contains(v.get("/requests/"+a.request().ID).body, "not signed") {
		t.Error("the app's own request is said not to be signed")
	}
	v.post(approve, "until", "1d", "models-0", "", "amount-0", "uncapped").want(t, http.StatusSeeOther, "/apps/"+a.id)
	a.collect()
	stranger, err := c.pairing.AskDevice(t.Context(), pairing.DeviceRequest{ClientID: a.id, AuthorizationDetails: wantsOpenAI, DPoPJKT: a.key.Thumbprint()})
	c.must(err)
	r, err := c.pairing.RequestByUserCode(stranger.UserCode)
	c.must(err)
	page := v.get("/requests/" + r.ID)
	group, _, _ := strings.Cut(dpop.Fingerprint(a.key.Thumbprint()), "-")
	if !strings.Contains(page.body, "not signed") || strings.Contains(page.body, "<span>"+group+"</span>") {
		t.Error("a stranger's request is shown as the app's")
	}
}

// TestNamesThatLookAlike warns of an app that takes the name of another.
func TestNamesThatLookAlike(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	first := c.asks("Notes", wantsOpenAI)
	if page := v.get("/requests/" + first.request().ID); strings.Contains(page.body, "This is not that app") {
		t.Error("an app is like itself")
	}
	for name, want := range map[string]string{"Notes": "Another app has the same name", "N\u043etes": "This name looks like that of another app"} {
		page := v.get("/requests/" + c.asks(name, wantsOpenAI).request().ID)
		if !strings.Contains(page.body, want) || !strings.Contains(page.body, "/apps/"+first.id) {
			t.Errorf("%q: no warning", name)
		}
	}
}

// TestChosenEnd says which end is chosen when the owner chooses none.
func TestChosenEnd(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	for want, details := range map[string]string{
		"30d":   wantsOpenAI,
		"asked": `[{"type":"keywicket","identifier":"llm:openai","expires_in":3600}]`,
	} {
		page := v.get("/requests/" + c.asks("Notes", details).request().ID)
		if got := chosenEnd.FindAllStringSubmatch(page.body, -1); len(got) != 1 || got[0][1] != want {
			t.Errorf("chosen %v, want %s", got, want)
		}
	}
	// An app cannot make a long time the chosen one by asking for it.
	page := v.get("/requests/" + c.asks("Notes", `[{"type":"keywicket","identifier":"llm:openai","expires_in":31536000}]`).request().ID)
	if got := chosenEnd.FindAllStringSubmatch(page.body, -1); len(got) != 1 || got[0][1] != "30d" {
		t.Errorf("chosen %v for a year, want 30d", got)
	}
}

func TestApprove(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	nextYear := time.Now().UTC().AddDate(1, 0, 0)
	after := func(d time.Duration) func(time.Time) time.Time {
		return func(approved time.Time) time.Time { return approved.Add(d) }
	}
	for name, row := range map[string]struct {
		details string
		form    []string
		want    policy.Document                    // ExpiresAt: see end
		end     func(approved time.Time) time.Time // nil: never
	}{
		"30 days": {wantsOpenAI, []string{"until", "30d", "models-0", "", "amount-0", "capped", "requests-0", "1000"},
			policy.Document{Limits: []policy.Limit{{Per: policy.Day, Requests: 1000}}}, after(30 * day)},
		"forever": {wantsOpenAI, []string{"until", "forever", "models-0", "", "amount-0", "uncapped"}, policy.Document{}, nil},
		"a date": {wantsOpenAI, []string{"until", "date", "until_date", nextYear.Format(time.DateOnly), "models-0", "", "amount-0", "uncapped"},
			policy.Document{}, func(time.Time) time.Time { return nextYear.Truncate(day).AddDate(0, 0, 1) }},
		"as asked": {`[{"type":"keywicket","identifier":"llm:openai","expires_in":7200}]`, []string{"until", "asked", "models-0", "", "amount-0", "uncapped"},
			policy.Document{}, after(2 * time.Hour)},
		"shorter than asked": {`[{"type":"keywicket","identifier":"llm:openai","expires_in":8640000}]`, []string{"until", "1d", "models-0", "", "amount-0", "uncapped"},
			policy.Document{}, after(day)},
		"caps in all units": {`[{"type":"keywicket","identifier":"llm:openai","limits":[{"per":"day","requests":100,"tokens":9000,"dollars":"1.50"}]}]`,
			[]string{"until", "1d", "models-0", "", "amount-0", "capped", "requests-0", "10", "tokens-0", "", "dollars-0", "0.75"},
			policy.Document{Limits: []policy.Limit{{Per: policy.Day, Requests: 10, Dollars: 750_000_000}}}, after(day)},
		"caps that nobody spoke of": {`[{"type":"keywicket","identifier":"llm:openai","limits":[{"per":"day","requests":100,"tokens":9000,"dollars":"1"}]}]`,
			[]string{"until", "1d", "models-0", "", "amount-0", "capped", "requests-0", "10"},
			policy.Document{Limits: []policy.Limit{{Per: policy.Day, Requests: 10, Tokens: 9000, Dollars: 1_000_000_000}}}, after(day)},
		"another cap": {`[{"type":"keywicket","identifier":"llm:openai","limits":[{"per":"minute","requests":5},{"per":"day","requests":100}]}]`,
			[]string{"until", "1d", "models-0", "", "amount-0", "capped", "requests-0", "10"},
			policy.Document{Limits: []policy.Limit{{Per: policy.Minute, Requests: 5}, {Per: policy.Day, Requests: 10}}}, after(day)},
		"fewer models": {`[{"type":"keywicket","identifier":"llm:openai","models":["gpt-*"]}]`,
			[]string{"until", "1d", "amount-0", "uncapped", "models-0", "gpt-4o-mini"},
			policy.Document{Models: []string{"gpt-4o-mini"}}, after(day)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t).setUp()
			a := c.asks("Notes", row.details)
			c.signedIn().post("/requests/"+a.request().ID+"/approve", row.form...).want(t, http.StatusSeeOther, "/apps/"+a.id)
			got := a.granted()
			if (row.end == nil) != got.ExpiresAt.IsZero() {
				t.Errorf("ends %v", got.ExpiresAt)
			}
			// "as asked" counts from the question, stored in whole seconds.
			if row.end != nil && (got.ExpiresAt.Before(row.end(c.now).Add(-time.Second)) || got.ExpiresAt.After(row.end(c.now).Add(time.Second))) {
				t.Errorf("ends %v, want %v", got.ExpiresAt, row.end(c.now))
			}
			got.ExpiresAt, row.want.Resource = time.Time{}, "llm:openai"
			if fmt.Sprint(got) != fmt.Sprint(row.want) {
				t.Errorf("granted %+v, want %+v", got, row.want)
			}
		})
	}
}

// TestRefusedApprovals are forms that must not grant anything, least of all
// for ever.
func TestRefusedApprovals(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.asks("Notes", wantsOpenAI)
	id := a.request().ID
	for name, fields := range map[string][]string{
		"nothing":          {},
		"no end":           {"models-0", "", "amount-0", "uncapped"},
		"an empty end":     {"until", "", "models-0", "", "amount-0", "uncapped"},
		"an unknown end":   {"until", "0d", "models-0", "", "amount-0", "uncapped"},
		"asked for no end": {"until", "asked", "models-0", "", "amount-0", "uncapped"},
		"no date":          {"until", "date", "models-0", "", "amount-0", "uncapped"},
		"a date gone by":   {"until", "date", "until_date", "2001-02-03", "models-0", "", "amount-0", "uncapped"},
		"no amount":        {"until", "30d"},
		"an empty amount":  {"until", "30d", "models-0", "", "amount-0", "capped", "requests-0", "", "tokens-0", "", "dollars-0", ""},
		"no tokens":        {"until", "30d", "models-0", "", "amount-0", "capped", "requests-0", "1", "tokens-0", "0"},
		"strange dollars":  {"until", "30d", "models-0", "", "amount-0", "capped", "requests-0", "1", "dollars-0", "1e3"},
		"no dollars":       {"until", "30d", "models-0", "", "amount-0", "capped", "dollars-0", "0"},
		"no models field":  {"until", "30d", "amount-0", "uncapped"},
		"a bad model":      {"until", "30d", "amount-0", "uncapped", "models-0", "gpt–4o"},
	} {
		got := v.post("/requests/"+id+"/approve", fields...)
		if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, `role="alert"`) {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	// What the form says counts only in the form.
	v.post("/requests/"+id+"/approve?until=forever&amount-0=uncapped").want(t, http.StatusUnprocessableEntity, "")
	if r := a.request(); r.Status != pairing.RequestPending || len(c.pairing.Permissions(a.id)) != 0 {
		t.Errorf("something was granted: %v", r.Status)
	}
}

// TestOneKeyOfSeveral: there is something to choose where a provider has several
// keys, and only then.
func TestOneKeyOfSeveral(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.post("/keys", "resource", "llm:openai", "label", "work", "secret", canary)
	form := []string{"until", "1d", "models-0", "", "amount-0", "uncapped"}
	first := c.asks("First", wantsOpenAI)
	v.get("/requests/"+first.request().ID).lacks(t, `name="key-0"`)
	v.post("/keys", "resource", "llm:openai", "label", "at home", "secret", canary)
	page := v.get("/requests/" + first.request().ID)
	page.has(t, `name="key-0"`, `<option value="">Any`, `value="llm:openai work"`, `value="llm:openai at home"`)
	page.lacks(t, `value="llm:openai work" selected`)

	approve := "/requests/" + first.request().ID + "/approve"
	for _, bad := range []string{"work", "mail:resend work", "llm:openai gone", "llm:openai "} {
		got := v.post(approve, append(form, "key-0", bad)...)
		got.want(t, http.StatusUnprocessableEntity, "")
		got.has(t, `role="alert"`)
	}
	v.post(approve, append(form, "key-0", "llm:openai at home")...).want(t, http.StatusSeeOther, "/apps/"+first.id)
	if d := first.granted(); d.Key != "at home" {
		t.Errorf("granted with the key %q", d.Key)
	}
	v.get("/apps/"+first.id).has(t, "With the key &#34;at home&#34; only", `<a href="/providers/llm:openai">What OpenAI opens</a>`)

	const wantsGone = `[{"type":"keywicket","identifier":"llm:openai","limits":{"key":"gone"}}]`
	for key, want := range map[string]string{"": "", "llm:openai gone": "gone", "llm:openai work": "work"} {
		a := c.asks("Asks for one", wantsGone)
		v.get("/requests/"+a.request().ID).has(t, `value="llm:openai gone" selected`, "gone (not stored)")
		v.post("/requests/"+a.request().ID+"/approve", append(form, "key-0", key)...).want(t, http.StatusSeeOther, "/apps/"+a.id)
		if d := a.granted(); d.Key != want {
			t.Errorf("%q became the key %q", key, d.Key)
		}
	}
	silent := c.asks("Silent", wantsGone)
	v.post("/requests/"+silent.request().ID+"/approve", form...).want(t, http.StatusSeeOther, "/apps/"+silent.id)
	if d := silent.granted(); d.Key != "gone" {
		t.Errorf("nobody spoke of the key, and it became %q", d.Key)
	}
}

func TestSomeOfSeveral(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.asks("Notes", `[{"type":"keywicket","identifier":"llm:openai"},{"type":"keywicket","identifier":"mail:resend"}]`)
	approve := "/requests/" + a.request().ID + "/approve"
	none := []string{"until", "1d", "models-0", "", "amount-0", "uncapped", "models-1", "", "amount-1", "uncapped"}
	v.post(approve, none...).want(t, http.StatusUnprocessableEntity, "")
	v.post(approve, append(none, "include-1", "yes")...).want(t, http.StatusSeeOther, "/apps/"+a.id)
	if d := a.granted(); d.Resource != "mail:resend" {
		t.Errorf("granted %s", d.Resource)
	}
}

// TestAskedAgain is an app that comes back for more of what it has.
func TestAskedAgain(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.approved("Notes")
	if page := v.get("/requests/" + a.ask(wantsOpenAI).request().ID); !strings.Contains(page.body, "takes the place of that") {
		t.Error("does not say that the app has a permission already")
	}
}

func TestAnsweredOnce(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	a := c.asks("Notes", wantsOpenAI)
	at := "/requests/" + a.request().ID
	v.post(at+"/deny").want(t, http.StatusSeeOther, "/requests")
	v.get(at).want(t, http.StatusConflict, "")
	v.post(at+"/approve", "until", "1d", "models-0", "", "amount-0", "uncapped").want(t, http.StatusConflict, "")
	v.post(at+"/deny").want(t, http.StatusConflict, "")
	v.get("/requests/req_none").want(t, http.StatusNotFound, "")
	if len(c.pairing.Permissions(a.id)) != 0 {
		t.Error("granted after it was denied")
	}
}

func TestDeviceCode(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	r := c.asks("Notes", wantsOpenAI).request()
	for _, code := range []string{r.UserCode, strings.ToLower(r.UserCode), strings.ReplaceAll(r.UserCode, "-", "")} {
		v.get("/device?user_code="+code).want(t, http.StatusSeeOther, "/requests/"+r.ID)
	}
	v.get("/device?user_code=ZZZZ-ZZZZ").want(t, http.StatusNotFound, "")
	v.get("/device").want(t, http.StatusOK, "")
	if again, _ := c.pairing.Request(r.ID); again.Status != pairing.RequestPending {
		t.Error("following the link has answered the request")
	}
}
