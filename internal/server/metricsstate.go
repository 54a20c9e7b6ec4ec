package server

import (
	"cmp"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// gatewayState reads, when it is asked, what stands and is not counted: locks,
// running requests, limits, alerts.
type gatewayState struct {
	rooms *rooms

	locked, frozen, restored, running, limitUsed, limitHeld, limitCap, limitsLeftOut, alerts, unread *prometheus.Desc
	keyInUse, keyResting, keyRequests, keyFailures                                                   *prometheus.Desc
}

func newGatewayState(r *rooms) *gatewayState {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("keywicket_"+name, help, labels, nil)
	}
	key := []string{"key", "resource", "label"}
	limit := []string{"app", "resource", "permission", "per", "model", "unit", "limit"}
	return &gatewayState{
		rooms:         r,
		locked:        describe("vault_locked", "1 while no provider key can be released."),
		frozen:        describe("frozen", "1 while every app is refused."),
		restored:      describe("restored", "1 while an older database that was put back waits to be accepted."),
		running:       describe("running_requests", "Requests being forwarded, streams included."),
		limitUsed:     describe("limit_used", "Settled use of a limit in its period; dollars in dollars.", limit...),
		limitHeld:     describe("limit_held", "Held by running requests.", limit...),
		limitCap:      describe("limit_cap", "What the limit allows.", limit...),
		limitsLeftOut: describe("limits_left_out", "Limits beyond the "+strconv.Itoa(maxMetricLimit)+" that are shown."),
		alerts:        describe("alerts_total", "Alerts raised, by kind.", "kind"),
		keyInUse:      describe("key_in_use", "Requests under way with a provider key.", key...),
		keyResting:    describe("key_resting", "1 while a provider key is not used: refused, out of credit or failing.", key...),
		keyRequests:   describe("key_requests_total", "Attempts with a provider key.", key...),
		keyFailures:   describe("key_failures_total", "Those that the provider refused, put off or failed at.", key...),
		unread:        describe("alerts_unread", "Alerts that were not dismissed."),
	}
}

// Describe implements prometheus.Collector.
func (g *gatewayState) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(g, to) }

// Collect implements prometheus.Collector.
func (g *gatewayState) Collect(to chan<- prometheus.Metric) {
	gauge := func(what *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(what, prometheus.GaugeValue, value, labels...)
	}
	gauge(g.locked, number(g.rooms.vault.Locked()))
	gauge(g.frozen, number(g.rooms.pairing.Frozen()))
	gauge(g.restored, number(g.rooms.store.Restored()))
	gauge(g.running, float64(g.rooms.proxy.Running()))
	gauge(g.unread, float64(g.rooms.alerts.Unread()))
	for kind, n := range g.rooms.alerts.Raised() {
		to <- prometheus.MustNewConstMetric(g.alerts, prometheus.CounterValue, float64(n), string(kind))
	}
	g.keys(to)
	shown, leftOut := 0, 0
	for _, app := range g.rooms.pairing.Apps() {
		if app.Status == pairing.AppRevoked {
			continue
		}
		for _, p := range g.rooms.pairing.Permissions(app.ID) {
			if shown+len(p.Document.Limits) > maxMetricLimit {
				leftOut += len(p.Document.Limits)
				continue
			}
			for i, s := range g.rooms.ledger.Limits(p.ID, p.Document) {
				shown++
				labels := []string{app.ID, p.Document.Resource, p.ID, string(s.Per), cmp.Or(s.Model, "*"), string(s.Unit), strconv.Itoa(i)}
				gauge(g.limitUsed, inUnit(s.Unit, s.Used), labels...)
				gauge(g.limitHeld, inUnit(s.Unit, s.Held), labels...)
				gauge(g.limitCap, inUnit(s.Unit, s.Limit), labels...)
			}
		}
	}
	gauge(g.limitsLeftOut, float64(leftOut))
}

// keys tells how each stored key has fared; there are a thousand at most.
func (g *gatewayState) keys(to chan<- prometheus.Metric) {
	stored, err := g.rooms.vault.Credentials()
	if err != nil {
		return
	}
	health := g.rooms.proxy.KeyHealth()
	for _, c := range stored {
		h := health[c.ID]
		for _, m := range []struct {
			what  *prometheus.Desc
			kind  prometheus.ValueType
			value float64
		}{
			{g.keyInUse, prometheus.GaugeValue, float64(h.InUse)},
			{g.keyResting, prometheus.GaugeValue, number(h.State == "resting")},
			{g.keyRequests, prometheus.CounterValue, float64(h.Requests)},
			{g.keyFailures, prometheus.CounterValue, float64(h.Failed)},
		} {
			to <- prometheus.MustNewConstMetric(m.what, m.kind, m.value, c.ID, c.Resource, c.Label)
		}
	}
}

// inUnit turns nano-dollars into dollars.
func inUnit(u policy.Unit, n int64) float64 {
	if u == policy.NanoDollars {
		return float64(n) / 1e9
	}
	return float64(n)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
