package ui

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// recentEvents is how many events the overview looks at and shows.
const recentEvents, recentShown = 60, 8

// showOverview is GET /.
func (u *UI) showOverview(c echo.Context) error {
	keys, err := u.cfg.Vault.Credentials()
	if err != nil {
		return err
	}
	events, err := u.cfg.Audit.Tail(recentEvents)
	if err != nil {
		return err
	}
	v := overviewView{
		Frame:   u.frame(c, "Overview", "overview", "/"),
		Keys:    len(keys),
		Waiting: u.waiting(),
		Recent:  u.eventViews(events, nil),
	}
	v.Apps, _ = u.appRows()
	v.Alerts = u.unread()
	v.MoreAlerts = max(0, len(v.Alerts)-alertsShown)
	v.Alerts = v.Alerts[:len(v.Alerts)-v.MoreAlerts]
	if len(v.Recent) > recentShown {
		v.Recent = v.Recent[:recentShown]
	}
	return render(c, http.StatusOK, overviewPage(v))
}
