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
	apps, rules map[string]bool     // that have a label
	uses        map[useLabels]*uses // as many as there are labels
}

// useLabels are the labels of what one app does with one resource.
type useLabels struct{ app, resource string }

// uses are the counters of what one app does with one resource, so that they are
// not looked up for each request. One is nil as long as it has nothing to count,
// and is not shown.
type uses struct {
	answered, failed, cost prometheus.Counter
	tokens                 [len(tokenKinds)]prometheus.Counter
	duration, firstByte    prometheus.Observer
}

// tokenKinds are the labels of tokens.
var tokenKinds = [...]string{"input", "cached", "cache_write", "output"}

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
		apps:       map[string]bool{}, rules: map[string]bool{}, uses: map[useLabels]*uses{},
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "keywicket", Name: "build_info", Help: "Always 1."}, []string{"version", "go"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.requests, m.tokens, m.cost, m.denials, m.duration, m.firstByte, m.unrecorded, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// ended counts one request that is over; r is what the history has of it.
func (m *metrics) ended(e proxy.Ended, r usage.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := useLabels{label(m.apps, e.AppID, maxMetricApps), e.Resource}
	if e.Code == codeUnrecorded {
		m.unrecorded.Inc()
	}
	if e.Denied {
		m.denials.WithLabelValues(at.app, label(m.rules, usage.RuleName(r.Rule), maxMetricRules)).Inc()
		return
	}
	u := m.uses[at]
	if u == nil {
		u = &uses{duration: m.duration.WithLabelValues(at.resource)}
		m.uses[at] = u
	}
	if r.Failed {
		count(&u.failed, 1, m.requests, at.app, at.resource, "failed")
	} else {
		count(&u.answered, 1, m.requests, at.app, at.resource, "answered")
	}
	for i, n := range [len(tokenKinds)]int64{r.InputTokens, r.CachedTokens, r.CacheWriteTokens, r.OutputTokens} {
		count(&u.tokens[i], float64(n), m.tokens, at.app, at.resource, tokenKinds[i])
	}
	count(&u.cost, float64(r.Cost)/1e9, m.cost, at.app, at.resource)
	u.duration.Observe(e.Latency.Seconds())
	if e.FirstByte > 0 {
		if u.firstByte == nil {
			u.firstByte = m.firstByte.WithLabelValues(at.resource)
		}
		u.firstByte.Observe(e.FirstByte.Seconds())
	}
}

// count adds n, if it is more than nothing, to a counter, which is the one with
// the labels.
func count(counter *prometheus.Counter, n float64, of *prometheus.CounterVec, labels ...string) {
	if n <= 0 {
		return
	}
	if *counter == nil {
		*counter = of.WithLabelValues(labels...)
	}
	(*counter).Add(n)
}

// label is value if it has a label, or gets one, and otherLabel if there are
// too many.
func label(known map[string]bool, value string, most int) string {
	switch {
	case known[value]:
	case len(known) >= most:
		return otherLabel
	default:
		known[value] = true
	}
	return value
}
