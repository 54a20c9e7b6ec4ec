package server

import (
	"runtime"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/keywicket/keywicket/internal/proxy"
	"github.com/keywicket/keywicket/internal/usage"
)

// The bounds of labels: apps beyond maxMetricApps are counted together, and so
// are rules beyond maxMetricRules. Models, which clients choose, are no label.
const (
	maxMetricApps  = 200
	maxMetricRules = 64
	maxMetricLimit = 2000 // limits that are shown one by one
	otherLabel     = usage.Other

	codeUnrecorded = "audit_unavailable" // of the protocol
)

// metrics counts since the start, for Prometheus. It has a registry of its
// own: what a library registers by itself is not shown.
type metrics struct {
	registry *prometheus.Registry

	requests, tokens, cost, denials *prometheus.CounterVec
	duration, firstByte             *prometheus.HistogramVec
	unrecorded                      prometheus.Counter

	mu          sync.Mutex
	apps, rules map[string]bool // that have a label
}

func newMetrics(version string) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "keywicket", Name: name, Help: help}, labels)
	}
	var bounds []float64
	for _, b := range usage.BucketBounds() {
		bounds = append(bounds, b.Seconds())
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "keywicket", Name: name, Help: help, Buckets: bounds}, []string{"resource"})
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		requests:   counter("requests_total", "Requests that reached a provider, by how they ended: answered or failed.", "app", "resource", "outcome"),
		tokens:     counter("tokens_total", "Tokens charged. Cached and cache_write are part of input.", "app", "resource", "kind"),
		cost:       counter("cost_dollars_total", "Dollars charged, where a price is known.", "app", "resource"),
		denials:    counter("denials_total", "Requests refused, by the rule of the policy, or the code where no policy did.", "app", "rule"),
		duration:   histogram("request_duration_seconds", "Time from the first byte of a request to the last of its answer."),
		firstByte:  histogram("time_to_first_byte_seconds", "Time from the first byte of a request to the first of its answer."),
		unrecorded: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "keywicket", Name: "record_failures_total", Help: "Requests refused because audit log or ledger could not be written."}),
		apps:       map[string]bool{}, rules: map[string]bool{},
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "keywicket", Name: "build_info", Help: "Always 1."}, []string{"version", "go"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.requests, m.tokens, m.cost, m.denials, m.duration, m.firstByte, m.unrecorded, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// ended counts one request that is over; r is what the history has of it.
func (m *metrics) ended(e proxy.Ended, r usage.Request) {
	app := m.label(m.apps, e.AppID, maxMetricApps)
	if e.Code == codeUnrecorded {
		m.unrecorded.Inc()
	}
	if e.Denied {
		m.denials.WithLabelValues(app, m.label(m.rules, usage.RuleName(r.Rule), maxMetricRules)).Inc()
		return
	}
	outcome := "answered"
	if r.Failed {
		outcome = "failed"
	}
	m.requests.WithLabelValues(app, e.Resource, outcome).Inc()
	for _, t := range []struct {
		kind string
		n    int64
	}{{"input", r.InputTokens}, {"cached", r.CachedTokens}, {"cache_write", r.CacheWriteTokens}, {"output", r.OutputTokens}} {
		if t.n > 0 {
			m.tokens.WithLabelValues(app, e.Resource, t.kind).Add(float64(t.n))
		}
	}
	if r.Cost > 0 {
		m.cost.WithLabelValues(app, e.Resource).Add(float64(r.Cost) / 1e9)
	}
	m.duration.WithLabelValues(e.Resource).Observe(e.Latency.Seconds())
	if e.FirstByte > 0 {
		m.firstByte.WithLabelValues(e.Resource).Observe(e.FirstByte.Seconds())
	}
}

// label is value if it has a label, or gets one, and otherLabel if there are
// too many.
func (m *metrics) label(known map[string]bool, value string, most int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case known[value]:
	case len(known) >= most:
		return otherLabel
	default:
		known[value] = true
	}
	return value
}
