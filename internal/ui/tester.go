package ui

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// localTime is how a browser writes a moment without a zone.
const localTime = "2006-01-02T15:04"

// showTester is GET /tester?permission=…
func (u *UI) showTester(c echo.Context) error {
	v := testerView{Action: "chat.completions", Live: true}
	if id := c.QueryParam("permission"); id != "" {
		if _, p, found := u.permission(id); found && p.Document.Actions != nil {
			v.Action = p.Document.Actions[0]
		}
		v.Permission = id
	}
	return u.renderTester(c, v)
}

// test is POST /tester. It changes nothing, so its answer is the page itself:
// what was typed is still there to be changed and tried again.
func (u *UI) test(c echo.Context) error {
	v := testerView{
		Permission: posted(c, "permission"), Policy: posted(c, "policy"), Live: posted(c, "live") == "yes",
		Action: posted(c, "action"), Model: posted(c, "model"),
		Input: posted(c, "input"), Output: posted(c, "output"), Choices: posted(c, "choices"), Body: posted(c, "body"),
		Stream: posted(c, "stream") == "yes", Tools: posted(c, "tools") == "yes",
		Address: posted(c, "address"), Origin: posted(c, "origin"), When: posted(c, "when"),
		From: posted(c, "from"), To: posted(c, "to"), Recipients: posted(c, "recipients"), HTML: posted(c, "html") == "yes", Attachments: posted(c, "attachments"),
	}
	checks, err := u.judge(v)
	var document *policy.DocumentError
	var request *policy.RequestError
	var form formError
	switch {
	case errors.As(err, &document), errors.As(err, &request), errors.As(err, &form):
		v.Problem = sentenceOf(err)
	case err != nil:
		return err
	}
	v.Done = err == nil
	for _, check := range checks {
		v.Checks = append(v.Checks, checkOf(check))
		if check.Result == policy.Fail {
			v.Code = check.Code
		}
	}
	return u.renderTester(c, v)
}

// sentenceOf is an error as a sentence on a page.
func sentenceOf(err error) string {
	text := strings.TrimSuffix(err.Error(), ".") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

func (u *UI) renderTester(c echo.Context, v testerView) error {
	v.Frame = u.frame(c, "Would it pass?", "apps", "/tester")
	v.Permissions = []choice{{Label: "A document of your own, below", Chosen: v.Permission == ""}}
	known := map[string]bool{}
	for _, app := range u.cfg.Pairing.Apps() {
		if app.Status == pairing.AppRevoked {
			continue
		}
		for _, p := range u.cfg.Pairing.Permissions(app.ID) {
			v.Permissions = append(v.Permissions, choice{Value: p.ID, Label: app.Name + ": " + u.title(p.Document.Resource), Chosen: p.ID == v.Permission})
		}
	}
	for _, r := range u.cfg.Pairing.Resources() {
		for _, action := range r.Actions {
			if !known[action] {
				known[action] = true
				v.Actions = append(v.Actions, action)
			}
		}
	}
	status := http.StatusOK
	if v.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	return render(c, status, testerPage(v))
}

// permission finds one permission and whose it is.
func (u *UI) permission(id string) (pairing.App, pairing.Permission, bool) {
	for _, app := range u.cfg.Pairing.Apps() {
		for _, p := range u.cfg.Pairing.Permissions(app.ID) {
			if p.ID == id {
				return app, p, true
			}
		}
	}
	return pairing.App{}, pairing.Permission{}, false
}

// judge holds the request of the form against the document it names.
func (u *UI) judge(v testerView) ([]policy.Check, error) {
	now := u.cfg.Clock()
	document, status := policy.Document{}, ""
	app, permission, found := u.permission(v.Permission)
	switch {
	case v.Permission == "" && strings.TrimSpace(v.Policy) == "":
		return nil, formError("Choose an app's permission, or put a policy document in.")
	case v.Permission == "":
		var err error
		if document, err = policy.Parse([]byte(v.Policy), now); err != nil {
			return nil, err
		}
	case !found:
		return nil, formError("This permission is gone. Choose another.")
	default:
		document, status = permission.Document, string(app.Status)
	}
	described, err := v.describe(u.cfg.Zone)
	if err != nil {
		return nil, err
	}
	request, err := policy.ParseRequest(described, document, now)
	if err != nil {
		return nil, err
	}
	request.Zone = u.cfg.Zone
	if status != "" {
		request.AppStatus = status
	}
	rate, _ := u.cfg.Prices.Rate(request.Resource, request.Model) // without a price, its bounds
	request.Rate = &rate
	var live func() ([]policy.Check, error)
	if found && v.Live {
		live = func() ([]policy.Check, error) { return u.cfg.Ledger.Check(permission.ID, document, request) }
	}
	return policy.Test(document, request, live)
}

// describe writes the form's request down as policy.ParseRequest reads it.
func (v testerView) describe(zone *time.Location) ([]byte, error) {
	request := map[string]any{"action": v.Action, "stream": v.Stream, "tools": v.Tools}
	put := func(into map[string]any, name string, value any, given bool) {
		if given {
			into[name] = value
		}
	}
	put(request, "model", v.Model, v.Model != "")
	put(request, "address", v.Address, v.Address != "")
	put(request, "origin", v.Origin, v.Origin != "")
	mail := map[string]any{"html": v.HTML}
	for _, f := range []struct {
		label, text, name string
		into              map[string]any
	}{
		{"Tokens in", v.Input, "input_tokens", request}, {"Tokens out", v.Output, "output_tokens", request},
		{"Answers", v.Choices, "choices", request}, {"Bytes of the body", v.Body, "body_bytes", request},
		{"Recipients", v.Recipients, "recipients", mail}, {"Bytes attached", v.Attachments, "attachment_bytes", mail},
	} {
		if f.text == "" {
			continue
		}
		n, err := strconv.ParseInt(f.text, 10, 64)
		if err != nil {
			return nil, formError(f.label + ": give a whole number.")
		}
		f.into[f.name] = n
	}
	if v.When != "" {
		at, err := time.ParseInLocation(localTime, v.When, zone)
		if err != nil {
			return nil, formError("When: give a date and a time.")
		}
		request["time"] = at
	}
	put(mail, "from_domain", v.From, v.From != "")
	put(mail, "to", splitList(v.To), v.To != "")
	if v.From != "" || v.To != "" || len(mail) > 1 {
		request["mail"] = mail
	}
	return json.Marshal(request)
}

// splitList reads names between commas.
func splitList(text string) []string {
	var all []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			all = append(all, entry)
		}
	}
	return all
}

func checkOf(c policy.Check) checkView {
	v := checkView{Rule: c.Rule, Why: c.Reason, Code: c.Code}
	switch c.Result {
	case policy.Pass:
		v.Result, v.Tone = "pass", "good"
	case policy.Fail:
		v.Result, v.Tone = "fail", "bad"
	default:
		v.Result = "not reached"
	}
	return v
}
