package ui

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// showApp is GET /apps/:id.
func (u *UI) showApp(c echo.Context) error {
	app, err := u.cfg.Pairing.App(c.Param("id"))
	if err != nil {
		return err
	}
	v := appView{
		Frame: u.frame(c, app.Name, "apps", appLink(app.ID)),
		ID:    app.ID, Name: app.Name, URI: app.URI,
		Redirects: app.RedirectURIs, Thumbprint: app.Thumbprint, Created: u.at(app.CreatedAt), LastUsed: u.at(app.LastUsedAt),
	}
	permissions := u.cfg.Pairing.Permissions(app.ID)
	v.Status, v.Tone = statusWords(app.Status, len(permissions))
	for _, p := range permissions {
		v.Permissions = append(v.Permissions, u.permissionView(p))
	}
	if v.Spending, err = u.spending(app.ID, appSpan); err != nil {
		return err
	}
	for _, s := range u.cfg.Pairing.Sessions(app.ID) {
		v.Sessions = append(v.Sessions, sessionView{
			ID: s.ID, Address: s.Address, Fingerprint: groups(s.Fingerprint()),
			Started: u.at(s.CreatedAt), Used: u.at(s.LastUsedAt),
		})
	}
	return render(c, http.StatusOK, appPage(v))
}

func (u *UI) permissionView(p pairing.Permission) permissionView {
	totals := u.cfg.Ledger.Totals(p.ID)
	v := permissionView{
		ID: p.ID, Title: u.title(p.Document.Resource), Resource: p.Document.Resource,
		Sentences: p.Document.Sentences(u.cfg.Zone), Since: u.at(p.CreatedAt),
		Requests: number(totals.Requests), Input: number(totals.InputTokens),
		Cached: number(totals.CachedTokens), Output: number(totals.OutputTokens),
		Dollars: dollars(totals.Cost),
	}
	if _, err := u.cfg.Providers.Entry(v.Resource); err == nil {
		v.Provider = providerLink(v.Resource, "")
	}
	for _, state := range u.cfg.Ledger.Limits(p.ID, p.Document) {
		v.Meters = append(v.Meters, u.meter(state))
	}
	return v
}

// suspend is POST /apps/:id/suspend.
func (u *UI) suspend(c echo.Context) error {
	return u.change(c, u.cfg.Pairing.Suspend, saidSuspended)
}

// resume is POST /apps/:id/resume.
func (u *UI) resume(c echo.Context) error { return u.change(c, u.cfg.Pairing.Resume, saidResumed) }

// revoke is POST /apps/:id/revoke.
func (u *UI) revoke(c echo.Context) error { return u.change(c, u.cfg.Pairing.Revoke, saidRevoked) }

// endSession is POST /sessions/:id/end.
func (u *UI) endSession(c echo.Context) error {
	session, err := u.cfg.Pairing.Session(c.Param("id"))
	if err != nil {
		return err
	}
	if err := u.cfg.Pairing.EndSession(session.ID); err != nil {
		return err
	}
	return u.done(c, saidSessionEnded, appLink(session.AppID))
}

func (u *UI) change(c echo.Context, how func(id string) error, what outcome) error {
	id := c.Param("id")
	if err := how(id); err != nil {
		return err
	}
	return u.done(c, what, appLink(id))
}

func appLink(id string) string { return "/apps/" + url.PathEscape(id) }
