package ui

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/owner"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/vault"
)

// failure is what a page says about an error: what happened, and what to do.
type failure struct {
	status       int
	title, words string
	href, do     string
}

// failures maps the errors that a handler may return to their pages. The
// first match wins; what is not here is an internal error.
var failures = []struct {
	err error
	failure
}{
	{pairing.ErrNotRecorded, failure{500, "Done, but not recorded", "It holds for now, but could not be written down and may be lost at a restart. Check the free space and the permissions of the data directory.", "/", "To the overview"}},
	{audit.ErrUnavailable, failure{503, "The audit log cannot be written", "Nothing is granted that cannot be recorded. Check the free space and the permissions of the data directory.", "/", "To the overview"}},
	{vault.ErrNotInitialized, failure{409, "Not set up yet", "The vault has to be set up first.", "/setup", "Set up"}},
	{vault.ErrLocked, failure{409, "The vault is locked", "Unlock it and try again.", "/unlock", "Unlock"}},
	{vault.ErrNoCredential, failure{404, "No such key", "It has been removed, or never was here.", "/keys", "To the keys"}},
	{providers.ErrUnknown, failure{404, "No such provider", "It has been removed, or never was here.", "/providers", "To the providers"}},
	{providers.ErrEmbedded, failure{409, "It ships with the gateway", "It cannot be removed. Without a key nothing is sent to it.", "/providers", "To the providers"}},
	{providers.ErrTooMany, failure{409, "Too many providers", "Remove one that is no longer used.", "/providers", "To the providers"}},
	{errNoName, failure{404, "No such name", "It has been removed, or never was here.", "/names", "To the names"}},
	{owner.ErrSetUp, failure{409, "Already set up", "This gateway has been set up. Sign in with the passphrase.", "/sign-in", "Sign in"}},
	{owner.ErrSetupToken, failure{403, "The set-up link is not valid any more", "Restart the gateway to get a new one.", "", ""}},
	{pairing.ErrNoRequest, failure{404, "This request is gone", "It has lapsed, or never was here. The app can ask again.", "/requests", "To the requests"}},
	{pairing.ErrRequestDecided, failure{409, "Already answered", "This request has been approved or denied before.", "/apps", "To the apps"}},
	{pairing.ErrNoPushed, failure{400, "This link is not good any more", "An app's link to this page is good for a minute, and once. Go back to the app and start again.", "", ""}},
	{alerts.ErrNoAlert, failure{404, "No such alert", "It has fallen off the board, or never was on it.", "/alerts", "To the alerts"}},
	{pairing.ErrNoSession, failure{404, "This session is over", "It has been ended, or has not been used for too long.", "/apps", "To the apps"}},
	{pairing.ErrNoApp, failure{404, "No such app", "It is not among the paired apps.", "/apps", "To the apps"}},
	{pairing.ErrAppRevoked, failure{409, "The app is revoked", "That is final. Pair it again with a new pairing string.", "/pair", "Pair an app"}},
}

var statusFailures = map[int]failure{
	http.StatusForbidden:             {title: "Not allowed", words: "The gateway refused this request."},
	http.StatusNotFound:              {title: "No such page", words: "The address leads nowhere in this console.", href: "/", do: "To the overview"},
	http.StatusMethodNotAllowed:      {title: "Not like this", words: "This address is for a form. Go back and send it from there.", href: "/", do: "To the overview"},
	http.StatusRequestEntityTooLarge: {title: "Too large", words: "The form was larger than the gateway takes.", href: "/", do: "To the overview"},
	http.StatusTooManyRequests:       {title: "Too many requests", words: "Wait a moment and try again."},
	http.StatusBadRequest:            {title: "Not understood", words: "The form could not be read. Go back and send it again.", href: "/", do: "To the overview"},
}

// Error shows err as a page, with the status that goes with it. The server
// uses it too, for addresses that no route has. Details of internal errors go
// to the log only.
func (u *UI) Error(c echo.Context, err error) error {
	if c.Response().Committed {
		u.cfg.Log.Error("console page broke off", "route", c.Path(), "error", err)
		return nil
	}
	setHeaders(c.Response().Header())
	f := failureOf(err)
	if f.status >= http.StatusInternalServerError {
		u.cfg.Log.Error("console page failed", "route", c.Path(), "error", err)
	}
	view := failureView{
		Frame: frame{Title: f.title}, Title: f.title, Words: f.words, Href: f.href, Do: f.do,
		Request: c.Response().Header().Get(echo.HeaderXRequestID),
	}
	if u.signedIn(c) {
		view.Frame = u.frame(c, f.title, "", "/")
	}
	return render(c, f.status, failurePage(view))
}

func failureOf(err error) failure {
	for _, row := range failures {
		if errors.Is(err, row.err) {
			return row.failure
		}
	}
	status := http.StatusInternalServerError
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		status = he.Code
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	}
	if f, ok := statusFailures[status]; ok {
		f.status = status
		return f
	}
	return failure{status, "Something went wrong", "The gateway's own log says more. Nothing else has been changed.", "/", "To the overview"}
}
