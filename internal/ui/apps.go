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
	row := appRow{
		ID: app.ID, Name: app.Name, Status: string(app.Status), Tone: statusTone(app.Status),
		LastUsed: u.at(app.LastUsedAt),
	}
	permissions := u.cfg.Pairing.Permissions(app.ID)
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

func statusTone(s pairing.AppStatus) string {
	switch s {
	case pairing.AppActive:
		return "good"
	case pairing.AppSuspended:
		return "warn"
	}
	return "bad"
}
