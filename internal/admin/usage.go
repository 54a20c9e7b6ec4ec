package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/usage"
)

// recentDays is how far back the usage of one app is shown, today included.
const recentDays = 30

// UsageQuery chooses usage and how to group it. Since and Until are days, such
// as 2026-11-21, in the owner's zone, or moments as in RFC 3339; empty is from
// the beginning and until now.
type UsageQuery struct {
	By       string // app, model, resource, day, hour or rule; empty: one row
	Since    string
	Until    string
	App      string // id or name; empty: all
	Resource string // empty: all
}

// Sums are the numbers of a group. Money is in nano-dollars.
type Sums = usage.Sums

// UsageRow is one group. Its key is an app's id, a model, a resource, a rule
// or a day.
type UsageRow struct {
	Name string `json:"name,omitzero"` // of the app, when grouped by app
	usage.Row
}

// UsageReport is what was used.
type UsageReport struct {
	By    string     `json:"by,omitzero"`
	Since time.Time  `json:"since,omitzero"`
	Until time.Time  `json:"until"`
	Rows  []UsageRow `json:"rows"`
	Total Sums       `json:"total"`
}

// Recent is what one app used lately, in days of the owner's zone.
type Recent struct {
	Today  Sums        `json:"today"`
	Last30 Sums        `json:"last_30_days"` // today included
	Models []usage.Row `json:"models"`       // of those 30 days
	Denied []usage.Row `json:"denied"`       // of those 30 days, by rule
}

func (a *Admin) showUsage(c echo.Context) error {
	now := a.cfg.Clock()
	q := usage.Query{By: usage.By(c.QueryParam("by")), Resource: c.QueryParam("resource"), Until: now.Add(time.Second)}
	var err error
	if q.Since, err = a.day("--since", c.QueryParam("since")); err != nil {
		return err
	}
	if until := c.QueryParam("until"); until != "" {
		if q.Until, err = a.day("--until", until); err != nil {
			return err
		}
	}
	if name := c.QueryParam("app"); name != "" {
		app, err := a.app(name)
		if err != nil {
			return err
		}
		q.App = app.ID
	}
	report := UsageReport{By: string(q.By), Since: a.at(q.Since), Until: a.at(q.Until), Rows: []UsageRow{}}
	rows, err := a.cfg.Usage.Query(q)
	if errors.Is(err, usage.ErrBy) {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "there is no --by %q; say app, model, resource, day, hour or rule", q.By)
	}
	if err != nil {
		return err
	}
	for _, row := range rows {
		out := UsageRow{Row: row}
		if app, err := a.cfg.Pairing.App(row.Key); q.By == usage.ByApp && err == nil {
			out.Name = app.Name
		}
		report.Rows = append(report.Rows, out)
	}
	q.By = usage.ByAll
	all, err := a.cfg.Usage.Query(q)
	if err != nil {
		return err
	}
	if len(all) > 0 {
		report.Total = all[0].Sums
	}
	return answer(c, report)
}

// day reads a day in the owner's zone, or a moment.
func (a *Admin) day(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, a.cfg.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "%s: give a day such as 2026-11-21, or how long ago, such as 24h or 30d", flag)
}

// recent is what an app used lately.
func (a *Admin) recent(app string) (out Recent, err error) {
	local := a.cfg.Clock().In(a.cfg.Zone)
	midnight := func(daysAgo int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()-daysAgo, 0, 0, 0, 0, a.cfg.Zone)
	}
	sum := func(q usage.Query) usage.Sums {
		rows, e := a.cfg.Usage.Query(q)
		if err = errors.Join(err, e); len(rows) == 0 {
			return usage.Sums{}
		}
		return rows[0].Sums
	}
	list := func(by usage.By) []usage.Row {
		rows, e := a.cfg.Usage.Query(usage.Query{By: by, App: app, Since: midnight(recentDays - 1)})
		err = errors.Join(err, e)
		return rows
	}
	out = Recent{
		Today:  sum(usage.Query{App: app, Since: midnight(0)}),
		Last30: sum(usage.Query{App: app, Since: midnight(recentDays - 1)}),
		Models: list(usage.ByModel), Denied: list(usage.ByRule),
	}
	return out, err
}

// Usage says what was used.
func (c *Client) Usage(ctx context.Context, q UsageQuery) (out UsageReport, err error) {
	values := url.Values{}
	for name, value := range map[string]string{"by": q.By, "since": q.Since, "until": q.Until, "app": q.App, "resource": q.Resource} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return out, c.call(ctx, http.MethodGet, "/usage?"+values.Encode(), nil, &out)
}
