package ui

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// showApps is GET /apps.
func (u *UI) showApps(c echo.Context) error {
	v := appsView{Frame: u.frame(c, "Apps", "apps", "/apps")}
	v.Apps, v.Revoked = u.appRows()
	return render(c, http.StatusOK, appsPage(v))
}

// appRows lists the apps, newest first, revoked ones apart.
func (u *UI) appRows() (live, revoked []appRow) {
	for _, app := range slices.Backward(u.cfg.Pairing.Apps()) {
		if row := u.appRow(app); app.Status == pairing.AppRevoked {
			revoked = append(revoked, row)
		} else {
			live = append(live, row)
		}
	}
	return live, revoked
}

func (u *UI) appRow(app pairing.App) appRow {
	permissions := u.cfg.Pairing.Permissions(app.ID)
	row := appRow{ID: app.ID, Name: app.Name, LastUsed: u.at(app.LastUsedAt)}
	row.Status, row.Tone = statusWords(app.Status, len(permissions))
	var documents []policy.Document
	var requests int64
	for _, p := range permissions {
		documents = append(documents, p.Document)
		requests += u.cfg.Ledger.Totals(p.ID).Requests
		for _, state := range u.cfg.Ledger.Limits(p.ID, p.Document) {
			if state.Per == policy.Day {
				m := u.meter(state)
				m.Resets = ""
				if len(permissions) > 1 {
					m.Label = u.title(p.Document.Resource) + ": " + m.Label
				}
				row.Meters = append(row.Meters, m)
			}
		}
	}
	row.Resources = "Nothing granted yet"
	if len(documents) > 0 {
		row.Resources = u.titlesOf(documents)
	}
	row.Total = count(requests, "request") + " so far"
	return row
}

// statusWords is an app's status as a page shows it. An active app without a
// permission can do nothing yet, so it is not shown as at work.
func statusWords(s pairing.AppStatus, permissions int) (word, tone string) {
	switch {
	case s == pairing.AppActive && permissions == 0:
		return "waiting", ""
	case s == pairing.AppActive:
		return string(s), "good"
	case s == pairing.AppSuspended:
		return string(s), "warn"
	}
	return string(s), "bad"
}
