package ui

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
)

// activityEvents is how many events the activity page looks at.
const activityEvents = 200

// showActivity is GET /activity?only=…&app=…
func (u *UI) showActivity(c echo.Context) error {
	only, app := c.QueryParam("only"), c.QueryParam("app")
	events, err := u.cfg.Audit.Tail(activityEvents)
	if err != nil {
		return err
	}
	v := activityView{Shown: len(events)}
	if app != "" {
		v.About = app
		if found, err := u.cfg.Pairing.App(app); err == nil {
			v.About = found.Name
		}
	}
	v.Events = u.eventViews(events, func(e audit.Event) bool {
		return (app == "" || e.AppID == app) && ofFilter(only, e)
	})
	for _, f := range []choice{{Label: "Everything"}, {Value: "denied", Label: "Denied"}, {Value: "owner", Label: "By you"}} {
		v.Filters = append(v.Filters, choice{Label: f.Label, Value: activityLink(f.Value, app), Chosen: f.Value == only})
	}
	v.Frame = u.frame(c, "Activity", "activity", local(activityLink(only, app)))
	return render(c, http.StatusOK, activityPage(v))
}

func ofFilter(only string, e audit.Event) bool {
	switch only {
	case "denied":
		return isDenial(e.Kind)
	case "owner":
		return e.Actor == audit.Owner
	}
	return true
}

func activityLink(only, app string) string {
	q := url.Values{}
	if only != "" {
		q.Set("only", only)
	}
	if app != "" {
		q.Set("app", app)
	}
	if len(q) == 0 {
		return "/activity"
	}
	return "/activity?" + q.Encode()
}
