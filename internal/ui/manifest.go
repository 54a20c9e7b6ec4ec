package ui

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/plugins"
)

// A manifest is added in two steps that need no script: the text is read and
// shown as what it would open, and the same text comes back with the owner's
// yes.
//
//	/providers/new, /providers/:id/edit ──text──▶ /providers/review ──text, yes──▶ /providers

// showNewProvider is GET /providers/new?from=…
func (u *UI) showNewProvider(c echo.Context) error {
	v := manifestFormView{}
	if from := c.QueryParam("from"); from != "" {
		text, err := u.cfg.Providers.Text(from)
		if err != nil {
			return err
		}
		v.Text, v.Copy = string(text), from
	}
	return u.manifestForm(c, http.StatusOK, v)
}

// editProvider is GET /providers/:id/edit. What ships with the gateway cannot
// be changed, but copied.
func (u *UI) editProvider(c echo.Context) error {
	e, err := u.cfg.Providers.Entry(c.Param("id"))
	if err != nil {
		return err
	}
	id := e.Manifest.ID
	if !e.Own {
		return c.Redirect(http.StatusSeeOther, "/providers/new?from="+id)
	}
	text, err := u.cfg.Providers.Text(id)
	if err != nil {
		return err
	}
	return u.manifestForm(c, http.StatusOK, manifestFormView{Editing: id, Text: string(text)})
}

// rewriteProvider is POST /providers/new: back from the review to the text.
func (u *UI) rewriteProvider(c echo.Context) error {
	return u.manifestForm(c, http.StatusOK, manifestFormView{Editing: posted(c, "editing"), Text: postedManifest(c)})
}

// postedManifest is the text that was sent, with line ends as they are in
// files: browsers send others.
func postedManifest(c echo.Context) string {
	return strings.ReplaceAll(posted(c, "manifest"), "\r\n", "\n")
}

func (u *UI) manifestForm(c echo.Context, status int, v manifestFormView) error {
	if e, err := u.cfg.Providers.Entry(v.Editing); err != nil || !e.Own {
		v.Editing = "" // it has been removed meanwhile
	}
	title, path := "Add a provider", "/providers/new"
	if v.Editing != "" {
		title, path = "Edit a provider", "/providers/"+v.Editing+"/edit"
	}
	for _, e := range u.cfg.Providers.Entries() {
		v.Starts = append(v.Starts, choice{Value: e.Manifest.ID, Label: e.Manifest.Title, Chosen: e.Manifest.ID == v.Copy})
	}
	v.Frame = u.frame(c, title, "keys", path)
	return render(c, status, manifestFormPage(v))
}

// reviewProvider is POST /providers/review: the dry run. It stores nothing.
func (u *UI) reviewProvider(c echo.Context) error {
	v, err := u.review(c)
	if err != nil {
		return u.refusedManifest(c, err)
	}
	return render(c, http.StatusOK, reviewPage(v))
}

// saveProvider is POST /providers. It is recorded first: a provider that
// nobody can see in the log must not be reachable.
func (u *UI) saveProvider(c echo.Context) error {
	v, err := u.review(c)
	if err != nil {
		return u.refusedManifest(c, err)
	}
	consent := providers.Consent{Replace: v.Replace || v.Changes, Private: v.AllowPrivate}
	if v.Takes != "" && !consent.Replace || v.Manifest.Private && !consent.Private {
		v.Problem = "Not stored. Tick the box below if you agree."
		return render(c, http.StatusUnprocessableEntity, reviewPage(v))
	}
	if err := u.record(audit.Event{Kind: audit.ProviderAdded, Resource: v.ID, Detail: v.Manifest.BaseURL, Address: c.RealIP()}); err != nil {
		return err
	}
	if _, err := u.cfg.Providers.Add([]byte(v.Text), consent); err != nil {
		return u.refusedManifest(c, err)
	}
	return u.done(c, saidProviderSaved, "/providers/"+v.ID)
}

// review reads the manifest that was sent. Errors are those of
// providers.Book.Read.
func (u *UI) review(c echo.Context) (reviewView, error) {
	v := reviewView{
		Text: postedManifest(c), Editing: posted(c, "editing"),
		Replace: posted(c, "replace") != "", AllowPrivate: posted(c, "allow_private") != "",
	}
	m, err := u.cfg.Providers.Read([]byte(v.Text))
	if err != nil {
		return v, err
	}
	v.Frame = u.frame(c, "What it would open", "keys", "/providers/new")
	v.ID, v.Title, v.Manifest = m.ID, m.Title, u.manifestView(m)
	v.Gains = u.whoGains(m.ID, u.cfg.Providers.Gains(m))
	u.reviewBeside(&v, m)
	return v, nil
}

// whoGains names the apps that may do more once a provider has these actions,
// too.
func (u *UI) whoGains(id string, actions []string) []gainRow {
	var rows []gainRow
	for _, app := range u.cfg.Pairing.Reaching(id, actions) {
		rows = append(rows, gainRow{App: app.AppName, Link: appLink(app.AppID), Actions: strings.Join(app.Actions, ", ")})
	}
	return rows
}

// reviewBeside says what a manifest does to the one that has its id now.
func (u *UI) reviewBeside(v *reviewView, m plugins.Manifest) {
	if _, err := u.cfg.Providers.Entry(v.Editing); err == nil && v.Editing != m.ID {
		v.Leaves = v.Editing
	}
	now, err := u.cfg.Providers.Entry(m.ID)
	if err != nil {
		return
	}
	switch {
	case now.Own && v.Editing == m.ID:
		v.Changes = true
	case now.Own:
		v.Takes = now.Manifest.Title + ", which you added"
	default:
		v.Takes = now.Manifest.Title + ", which ships with the gateway"
	}
	if v.Manifest.Stored > 0 && now.Manifest.BaseURL != m.BaseURL {
		v.KeysMove, v.From = count(int64(v.Manifest.Stored), "key"), now.Manifest.BaseURL
	}
}

// refusedManifest shows the text again, with what is wrong with it.
func (u *UI) refusedManifest(c echo.Context, err error) error {
	v := manifestFormView{Editing: posted(c, "editing"), Text: postedManifest(c)}
	if bad, ok := errors.AsType[*plugins.ManifestError](err); ok {
		v.Problem = "Not stored. " + bad.Problem + "."
		if bad.Member != "" {
			v.Problem = "Not stored. Member " + bad.Member + ": " + bad.Problem + "."
		}
		return u.manifestForm(c, http.StatusUnprocessableEntity, v)
	}
	return err
}
