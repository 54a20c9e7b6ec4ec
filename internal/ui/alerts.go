package ui

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
)

// alertsShown is how many alerts the overview shows.
const alertsShown = 3

// showAlerts is GET /alerts.
func (u *UI) showAlerts(c echo.Context) error {
	v := alertsView{Frame: u.frame(c, "Alerts", "overview", "/alerts"), Alerts: u.alertViews(u.cfg.Alerts.List())}
	if hook, set := u.cfg.Alerts.Webhook(); set {
		v.Webhook, v.Failure, v.FailedAt = true, hook.Failure, u.at(hook.Failed)
	}
	return render(c, http.StatusOK, alertsPage(v))
}

// unread are the alerts that were not dismissed, newest first.
func (u *UI) unread() []alertView {
	var all []alerts.Alert
	for _, a := range u.cfg.Alerts.List() {
		if !a.Dismissed {
			all = append(all, a)
		}
	}
	return u.alertViews(all)
}

func (u *UI) alertViews(all []alerts.Alert) []alertView {
	var views []alertView
	for _, a := range all {
		v := alertView{ID: a.ID, At: u.at(a.Time), App: a.AppName, Href: appLink(a.AppID), After: a.Words(), Title: u.title(a.Resource), New: !a.Dismissed, Tone: "warn"}
		if a.Kind != alerts.LimitNear {
			v.Tone = "bad"
		}
		views = append(views, v)
	}
	return views
}

// dismissAlert is POST /alerts/:id/dismiss.
func (u *UI) dismissAlert(c echo.Context) error {
	id := c.Param("id")
	if err := u.cfg.Alerts.Dismiss(id); err != nil {
		return err
	}
	return u.dismissed(c, id)
}

// dismissAlerts is POST /alerts/dismiss.
func (u *UI) dismissAlerts(c echo.Context) error {
	n, err := u.cfg.Alerts.DismissAll()
	if err != nil {
		return err
	}
	return u.dismissed(c, count(int64(n), "alert"))
}

func (u *UI) dismissed(c echo.Context, detail string) error {
	if err := u.record(audit.Event{Kind: audit.AlertDismissed, Detail: detail}); err != nil {
		return notRecorded(err)
	}
	return u.done(c, saidDismissed, local(posted(c, "back")))
}

// notRecorded is an error for what was done and could not be written down.
func notRecorded(err error) error { return errors.Join(pairing.ErrNotRecorded, err) }
