package proxy

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins"
)

// roughInput is up to how many tokens a bound that costs nothing is near enough
// to be held against a budget.
const roughInput = 2048

// describe turns the request into the facts that a policy judges.
func (x *exchange) describe() error {
	if x.request.Header.Get("Upgrade") != "" {
		return errUpgrade
	}
	if x.unified != nil {
		return x.choose()
	}
	resource := x.resource
	err := x.aimAt(resource, func() (plugins.Provider, bool) { return x.p.cfg.Providers.Lookup(resource) })
	if err != nil {
		return err
	}
	r, err := x.bodyFor()
	if err != nil {
		return err
	}
	return x.describeAs(r)
}

// aimAt aims the request at a provider, as it is at this moment: when the owner
// changes it later, that stops the request.
func (x *exchange) aimAt(resource string, find func() (plugins.Provider, bool)) error {
	rights := &x.entry.rights
	rights.mu.Lock()
	defer rights.mu.Unlock()
	provider, ok := find()
	if !ok {
		return errUnknownResource
	}
	rights.resource = resource
	x.resource, x.provider = resource, provider
	return nil
}

// describeAs describes the request to the provider it is aimed at, with the
// body that it gets.
func (x *exchange) describeAs(r plugins.Request) (err error) {
	r.Method, r.Path, r.RawQuery, r.Header = x.request.Method, x.path, x.request.URL.RawQuery, x.request.Header
	if x.call, err = x.provider.Describe(r); err != nil {
		return err
	}
	f := x.call.Facts
	x.facts = policy.Request{
		AppStatus: string(x.caller.App.Status), Resource: x.resource, Action: f.Action, Model: f.Model,
		Address: clientAddress(x.request.RemoteAddr), Origin: origin(x.request), BodyBound: x.caller.BodyBound,
		BodyBytes: x.body.size(), InputTokens: f.InputTokens, InputUnknown: f.InputUnknown, OutputAtOnce: f.OutputAtOnce,
		OutputTokens: f.OutputTokens, Choices: f.Choices,
		Tools: f.Tools, Stream: f.Stream, Mail: (*policy.MailFacts)(f.Mail),
		Retry: x.attempt != nil && x.attempt.retried,
		Time:  x.p.cfg.Clock(), Zone: x.p.cfg.Zone,
	}
	if f.Model != "" {
		rate, _ := x.p.cfg.Prices.Rate(x.resource, f.Model) // without a price, its bounds
		x.facts.Rate = &rate
	}
	return nil
}

// origin is the web page's that a request comes from. Two are none that could
// have been granted.
func origin(r *http.Request) string { return strings.Join(r.Header.Values("Origin"), ", ") }

// clientAddress is the client's as a policy compares it; zero when it is unknown.
func clientAddress(remote string) netip.Addr {
	a, err := netip.ParseAddr(address(remote))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// address is the client's as it was seen, for the audit log.
func address(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

// tooRough says that a document needs a closer estimate of the input than the
// one that comes for nothing.
func tooRough(d policy.Document, asked policy.Request) bool {
	n := asked.InputTokens
	return d.MaxInputTokens > 0 && n > d.MaxInputTokens || n > roughInput && budgeted(d)
}

// budgeted says that a document caps tokens or money.
func budgeted(d policy.Document) bool {
	return slices.ContainsFunc(d.Limits, func(l policy.Limit) bool { return l.Tokens > 0 || l.Dollars > 0 })
}

// overInput says that the input's estimate is all that stands in the way.
func overInput(err error) bool {
	var denied *policy.Denied
	return errors.As(err, &denied) && denied.Code == policy.CodeInputCapExceeded
}

// closeCount is the close estimate of a request's input, made when somebody
// needs it, and once. It is safe for concurrent use from then on.
type closeCount struct {
	count func() int64 // nil when nothing can
	rough int64        // is never exceeded
	once  sync.Once
	n     int64
	turns *turns // of which it takes the app's
	appID string
}

func (c *closeCount) of(call *plugins.Call, turns *turns, appID string) {
	c.turns, c.appID = turns, appID
	c.count, c.rough = call.CountInput, call.Facts.InputTokens
}

func (c *closeCount) possible() bool { return c != nil && c.count != nil }

func (c *closeCount) tokens() int64 {
	c.once.Do(func() { c.turns.take(c.appID, func() { c.n = min(max(c.count(), 0), c.rough) }) })
	return c.n
}
