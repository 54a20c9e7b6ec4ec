package server

import (
	"cmp"
	"net/http"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/proxy"
	"github.com/keywicket/keywicket/internal/usage"
)

// watch hands on what happens on the data plane to those who remember it: the
// usage history, the metrics and the alerts. Nothing in it waits for a disk.
type watch struct {
	usage   *usage.History
	alerts  *alerts.Board
	metrics *metrics
	pairing func() *pairing.Pairing // opened after the ledger, which is watched
}

// openWatch opens what remembers. What it is told comes later, so pairing need
// not be open yet.
func (r *rooms) openWatch(cfg Config) (err error) {
	if r.usage, err = usage.New(usage.Config{Store: r.store, Zone: cfg.Zone, Clock: cfg.Clock, Log: cfg.Log}); err != nil {
		return err
	}
	r.closers = append(r.closers, r.usage.Close)
	if r.alerts, err = alerts.New(alerts.Config{Store: r.store, Clock: cfg.Clock, Log: cfg.Log}); err != nil {
		return err
	}
	r.closers = append(r.closers, r.alerts.Close)
	r.metrics = newMetrics(cfg.Version)
	r.watch = &watch{usage: r.usage, alerts: r.alerts, metrics: r.metrics, pairing: func() *pairing.Pairing { return r.pairing }}
	return nil
}

// Ended implements proxy.History.
func (w *watch) Ended(e proxy.Ended) {
	r := usageOf(e)
	w.usage.Record(r)
	w.metrics.ended(e, r)
	if e.Denied && e.AppID != "" && e.Status < http.StatusInternalServerError {
		// A locked vault or a freeze is the owner's own doing.
		w.alerts.Denied(alerts.Denial{AppID: e.AppID, AppName: w.appName(e.AppID), Resource: e.Resource, Code: e.Code})
	}
}

// usageOf is what the history remembers of a request.
func usageOf(e proxy.Ended) usage.Request {
	r := usage.Request{App: e.AppID, Resource: e.Resource, Model: e.Model, Latency: e.Latency}
	if e.Denied {
		r.Rule = cmp.Or(e.Rule, e.Code)
		return r
	}
	r.Failed = e.Code != "" || e.Status >= http.StatusBadRequest
	r.InputTokens, r.CachedTokens, r.CacheWriteTokens = e.Usage.InputTokens, e.Usage.CachedTokens, e.Usage.CacheWriteTokens
	r.OutputTokens, r.Cost = e.Usage.OutputTokens, e.Cost
	return r
}

// crossed raises an alert for a limit that was approached. A permission that
// is gone by now belongs to an app that is, too.
func (w *watch) crossed(c policy.Crossing) {
	for _, app := range w.pairing().Apps() {
		for _, p := range w.pairing().Permissions(app.ID) {
			if p.ID == c.PermissionID {
				w.alerts.Crossed(alerts.Crossing{
					AppID: app.ID, AppName: app.Name, Resource: p.Document.Resource,
					Limit: alerts.Limit{
						Permission: p.ID, Per: string(c.Limit.Per), Model: c.Limit.Model, Unit: string(c.Limit.Unit),
						Used: c.Limit.Used, Cap: c.Limit.Limit, Percent: c.Percent, ResetsAt: c.Limit.ResetsAt.UTC(),
					},
				})
				return
			}
		}
	}
}

func (w *watch) appName(id string) string {
	app, err := w.pairing().App(id)
	if err != nil {
		return ""
	}
	return app.Name
}
