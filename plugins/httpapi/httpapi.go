// Package httpapi is the dialect of any HTTP API that speaks JSON: its manifest
// lists the methods and paths that are open, as actions of the author's naming.
//
// It guarantees that only listed endpoints are reached, with listed query
// parameters and a body that is plain JSON or none. It counts requests. It
// reads no tokens, prices, models or recipients, so a policy cannot limit them
// here; an API that has them wants a dialect of its own.
package httpapi

import (
	"net/http"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

// Dialect is the name manifests use for this package.
const Dialect = "http"

// Provider is one API.
type Provider struct {
	manifest plugins.Manifest
	routes   *plugins.Routes
}

var _ plugins.Provider = (*Provider)(nil)

// New returns the provider a manifest declares. A manifest for another dialect is
// a *[plugins.ManifestError].
func New(m plugins.Manifest) (*Provider, error) {
	routes, err := plugins.NewRoutes(m, Dialect, nil)
	if err != nil {
		return nil, err
	}
	return &Provider{manifest: m, routes: routes}, nil
}

// Manifest is what New was given.
func (p *Provider) Manifest() plugins.Manifest { return p.manifest }

// Describe implements [plugins.Provider].
func (p *Provider) Describe(req plugins.Request) (*plugins.Call, error) {
	match, ok := p.routes.Match(req.Method, req.Path)
	if !ok {
		return nil, plugins.UnsupportedEndpoint("this method and path are not an endpoint the gateway forwards")
	}
	query, err := allowQuery(req.RawQuery, match.Action.Query)
	if err != nil {
		return nil, err
	}
	call := &plugins.Call{
		Facts:    plugins.Facts{Action: match.Action.Name, Stream: wantsStream(req.Header)},
		Method:   match.Action.Method,
		Path:     match.Path,
		RawQuery: query,
		Header:   p.manifest.RequestHeader(req.Header, "Accept", "Idempotency-Key"),
	}
	if len(req.Body) == 0 {
		if err := plugins.CheckUncoded(req.Header); err != nil {
			return nil, err
		}
		return call, nil
	}
	if err := checkBody(req); err != nil {
		return nil, err
	}
	call.Header.Set("Content-Type", "application/json")
	call.Body = req.Body
	return call, nil
}

// checkBody takes JSON from methods whose bodies have a meaning (RFC 9110
// section 9.3): a server that reads that of a GET is one nobody expects.
func checkBody(req plugins.Request) error {
	if req.Method == http.MethodGet || req.Method == http.MethodDelete {
		return plugins.Invalid("", "this method takes no body")
	}
	if err := plugins.CheckPlainJSON(req.Header); err != nil {
		return err
	}
	return plugins.CheckJSON(req.Body)
}

// wantsStream looks at the only place where an API unknown to the gateway may be
// asked for an event stream.
func wantsStream(h http.Header) bool {
	for _, line := range h.Values("Accept") {
		if strings.Contains(strings.ToLower(line), "text/event-stream") {
			return true
		}
	}
	return false
}

// ResponseHeader implements [plugins.Provider].
func (p *Provider) ResponseHeader(upstream http.Header) http.Header {
	return plugins.AllowHeader(upstream, "Content-Type", "Content-Encoding", "Retry-After", "ETag", "Last-Modified")
}

// NewMeter implements [plugins.Provider]: there are no tokens to count.
func (p *Provider) NewMeter(*plugins.Call) plugins.Meter { return plugins.Uncounted{} }
