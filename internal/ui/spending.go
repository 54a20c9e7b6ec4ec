package ui

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/usage"
)

// spans are the days that the usage page offers to look at.
var spans = []int{7, 30, 90, 365}

// appSpan is how many days of use are shown on an app's page.
const appSpan = 30

// showUsage is GET /usage?days=…&app=…
func (u *UI) showUsage(c echo.Context) error {
	days, app := appSpan, c.QueryParam("app")
	for _, n := range spans {
		if c.QueryParam("days") == strconv.Itoa(n) {
			days = n
		}
	}
	spending, err := u.spending(app, days)
	if err != nil {
		return err
	}
	v := usageView{Frame: u.frame(c, "Usage", "overview", local(usageLink(days, app))), Spending: spending}
	if app != "" {
		v.About = app
		if found, err := u.cfg.Pairing.App(app); err == nil {
			v.About = found.Name
		}
	} else if v.Apps, err = u.usageRows(usage.Query{By: usage.ByApp, Since: u.midnight(days - 1)}); err != nil {
		return err
	}
	for i, row := range v.Apps {
		if found, err := u.cfg.Pairing.App(row.Label); err == nil {
			v.Apps[i].Label, v.Apps[i].Href = found.Name, appLink(found.ID)
		}
	}
	if v.Resources, err = u.usageRows(usage.Query{By: usage.ByResource, App: app, Since: u.midnight(days - 1)}); err != nil {
		return err
	}
	for i, row := range v.Resources {
		v.Resources[i].Label = u.title(row.Label)
	}
	for _, n := range spans {
		v.Spans = append(v.Spans, choice{Label: count(int64(n), "day"), Value: usageLink(n, app), Chosen: n == days})
	}
	return render(c, http.StatusOK, usagePage(v))
}

func usageLink(days int, app string) string {
	q := url.Values{"days": {strconv.Itoa(days)}}
	if app != "" {
		q.Set("app", app)
	}
	return "/usage?" + q.Encode()
}

// spending is what an app, or all of them, used in the last days, today
// included.
func (u *UI) spending(app string, days int) (v spendingView, err error) {
	since := u.midnight(days - 1)
	byDay, err := u.cfg.Usage.Query(usage.Query{By: usage.ByDay, App: app, Since: since})
	if err != nil {
		return v, err
	}
	all, err := u.cfg.Usage.Query(usage.Query{App: app, Since: since})
	if err != nil {
		return v, err
	}
	var total usage.Sums
	if len(all) > 0 {
		total = all[0].Sums
	}
	v = spendingView{Span: "the last " + count(int64(days), "day"), Total: sumsOf(total), Chart: u.chart(byDay, days, total.Cost > 0)}
	if v.Models, err = u.usageRows(usage.Query{By: usage.ByModel, App: app, Since: since}); err != nil {
		return v, err
	}
	rules, err := u.cfg.Usage.Query(usage.Query{By: usage.ByRule, App: app, Since: since})
	for _, rule := range rules {
		v.Refused = append(v.Refused, ruleRow{rule.Key, number(rule.Denied)})
	}
	return v, err
}

func (u *UI) usageRows(q usage.Query) ([]usageRow, error) {
	rows, err := u.cfg.Usage.Query(q)
	var out []usageRow
	for _, row := range rows {
		label := row.Key
		if label == "" {
			label = "(none)"
		}
		out = append(out, usageRow{Label: label, Sums: sumsOf(row.Sums)})
	}
	return out, err
}

// midnight is when the owner's day began that many days ago.
func (u *UI) midnight(daysAgo int) time.Time {
	now := u.cfg.Clock().In(u.cfg.Zone)
	return time.Date(now.Year(), now.Month(), now.Day()-daysAgo, 0, 0, 0, 0, u.cfg.Zone)
}

func sumsOf(s usage.Sums) sumsView {
	v := sumsView{
		Requests: number(s.Requests), Input: number(s.InputTokens), Cached: number(s.CachedTokens), Output: number(s.OutputTokens),
		Dollars: dollars(s.Cost), Refused: number(s.Denied), Errors: number(s.Errors),
	}
	if s.Latency.Count > 0 {
		v.Mean = number(s.Latency.MeanMS()) + " ms"
	}
	return v
}

// chart draws one bar a day: of dollars when there are any, else of requests.
func (u *UI) chart(rows []usage.Row, days int, money bool) chartView {
	of, words := func(s usage.Sums) int64 { return s.Requests }, func(n int64) string { return count(n, "request") }
	v := chartView{Label: "Requests a day"}
	if money {
		of, words = func(s usage.Sums) int64 { return s.Cost }, dollars
		v.Label = "Dollars a day"
	}
	byDay := map[string]int64{}
	var most int64
	for _, row := range rows {
		byDay[row.Key] = of(row.Sums)
		most = max(most, byDay[row.Key])
	}
	for i := range days {
		day := u.midnight(days - 1 - i)
		n := byDay[day.Format(time.DateOnly)]
		v.Bars = append(v.Bars, barOf(i, days, n, most, day.Format("2 Jan")+": "+words(n)))
	}
	v.First, v.Last, v.Most = u.midnight(days-1).Format("2 Jan"), "today", words(most)
	return v
}

// barOf places the bar of day i of days. Its height is part of most.
func barOf(i, days int, n, most int64, words string) barView {
	percent := func(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }
	step := 100 / float64(days)
	height := 0.0
	if n > 0 {
		height = max(2, 100*float64(n)/float64(most))
	}
	return barView{
		X: percent(float64(i)*step + step/10), Width: percent(step * 0.8),
		Y: percent(100 - height), Height: percent(height), Words: words,
	}
}

// dollars writes nano-dollars for people: cents from a dollar on, more digits
// below.
func dollars(n int64) string {
	const cent, tenThousandth = 10_000_000, 100_000
	unit := int64(tenThousandth)
	if n == 0 || n >= 100*cent {
		unit = cent
	}
	rounded := (n + unit/2) / unit * unit
	if n > 0 && rounded == 0 {
		return "< $0.0001"
	}
	whole, fraction := rounded/(100*cent), policy.Dollars(rounded % (100 * cent)).String()[1:]
	return "$" + number(whole) + fraction
}
