package admin

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
)

// PolicyTestInput asks whether a request would pass.
type PolicyTestInput struct {
	// Policy is the JSON text of a policy document or of an array of them;
	// empty: the app's own.
	Policy string `json:"policy,omitzero"`
	// Request is the JSON text of a described request.
	Request string `json:"request"`
	// App is the app whose live counters are looked at, by id or name; empty:
	// none, and nothing is used up.
	App string `json:"app,omitzero"`
}

// PolicyTest is every check of a document against a request.
type PolicyTest struct {
	Allowed bool           `json:"allowed"`
	Live    bool           `json:"live"` // against the counters of an app
	Checks  []policy.Check `json:"checks"`
	// Document is the one that was held against the request.
	Document policy.Document `json:"document"`
	Request  policy.Request  `json:"request"`
}

// Denied is the check that failed, if one did.
func (t PolicyTest) Denied() (policy.Check, bool) {
	i := slices.IndexFunc(t.Checks, func(c policy.Check) bool { return c.Result == policy.Fail })
	if i < 0 {
		return policy.Check{}, false
	}
	return t.Checks[i], true
}

// Tester holds requests against documents, with the prices and the zone of a
// gateway, or of the machine where none runs.
type Tester struct {
	Zone   *time.Location                                              // of hours; required
	Prices func(resource, model string) (rate price.Rate, priced bool) // required
	Now    time.Time                                                   // required
	// AppStatus is that of the app that asks, in place of the one described;
	// default that.
	AppStatus string
}

// Test holds the request against the one of documents that is for its
// resource. Live is as of policy.Test, for that document.
func (t Tester) Test(documents []policy.Document, request []byte, live func(policy.Document, policy.Request) ([]policy.Check, error)) (PolicyTest, error) {
	document, err := documentFor(documents, request)
	if err != nil {
		return PolicyTest{}, err
	}
	described, err := policy.ParseRequest(request, document, t.Now)
	if err != nil {
		return PolicyTest{}, err
	}
	described.Zone = t.Zone
	if t.AppStatus != "" {
		described.AppStatus = t.AppStatus
	}
	rate, _ := t.Prices(described.Resource, described.Model) // without a price, its bounds
	described.Rate = &rate
	var counters func() ([]policy.Check, error)
	if live != nil {
		counters = func() ([]policy.Check, error) { return live(document, described) }
	}
	checks, err := policy.Test(document, described, counters)
	if err != nil {
		return PolicyTest{}, err
	}
	out := PolicyTest{Live: live != nil, Checks: checks, Document: document, Request: described}
	_, denied := out.Denied()
	out.Allowed = !denied
	return out, nil
}

// documentFor is the document for the resource that the request names, or the
// only one there is.
func documentFor(documents []policy.Document, request []byte) (policy.Document, error) {
	if len(documents) == 1 {
		return documents[0], nil
	}
	var named struct {
		Resource string `json:"resource"`
	}
	// What else is wrong with the description is said when it is read in full.
	if err := json.Unmarshal(request, &named); err != nil {
		return policy.Document{}, &policy.RequestError{Problem: "is not a JSON object"}
	}
	i := slices.IndexFunc(documents, func(d policy.Document) bool { return d.Resource == named.Resource })
	if i < 0 {
		return policy.Document{}, &policy.RequestError{Path: "resource", Problem: "must name one that the policy has a document for"}
	}
	return documents[i], nil
}

func (a *Admin) testPolicy(c echo.Context) error {
	in, err := decode[PolicyTestInput](c)
	if err != nil {
		return err
	}
	now := a.cfg.Clock()
	tester := Tester{Zone: a.cfg.Zone, Prices: a.cfg.Prices.Rate, Now: now}
	var documents []policy.Document
	if in.Policy != "" {
		if documents, err = policy.ParseAll([]byte(in.Policy), now); err != nil {
			return err
		}
	}
	var out PolicyTest
	if in.App == "" {
		out, err = tester.Test(documents, []byte(in.Request), nil)
	} else {
		out, err = a.testLive(tester, in, documents)
	}
	if err != nil {
		return err
	}
	return answer(c, out)
}

// testLive holds the request against an app's documents, or those given in
// their place, and against the app's counters.
func (a *Admin) testLive(tester Tester, in PolicyTestInput, documents []policy.Document) (PolicyTest, error) {
	app, err := a.app(in.App)
	if err != nil {
		return PolicyTest{}, err
	}
	tester.AppStatus = string(app.Status)
	granted := a.cfg.Pairing.Permissions(app.ID)
	if documents == nil {
		for _, p := range granted {
			documents = append(documents, p.Document)
		}
	}
	if len(documents) == 0 {
		return PolicyTest{}, refuse(http.StatusConflict, CodeNotGranted, "nothing is granted to this app; test a document with --policy FILE")
	}
	return tester.Test(documents, []byte(in.Request), func(d policy.Document, r policy.Request) ([]policy.Check, error) {
		i := slices.IndexFunc(granted, func(p pairing.Permission) bool { return p.Document.Resource == d.Resource })
		if i < 0 {
			return nil, refuse(http.StatusConflict, CodeNotGranted, "%s is not granted to this app, so it has no counters; leave out --app", d.Resource)
		}
		return a.cfg.Ledger.Check(granted[i].ID, d, r)
	})
}

// TestPolicy asks whether a request would pass.
func (c *Client) TestPolicy(ctx context.Context, in PolicyTestInput) (out PolicyTest, err error) {
	return out, c.call(ctx, http.MethodPost, "/policy/test", in, &out)
}
