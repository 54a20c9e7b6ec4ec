// Package resend is the dialect of Resend's mail API: send one message, send a
// batch of at most 100, and look at one that was sent.
//
// It guarantees that the policy judges what will be sent: the sender's domain,
// every distinct recipient over to, cc and bcc and over a whole batch, HTML, and
// the size of attachments. An address is read with net/mail, and only if it
// cannot be read in a second way; a domain in another script goes out in its
// ASCII form, the one that was judged.
//
// It refuses endpoints it does not list, members Resend does not document, and
// message headers that could name another sender, another recipient or another
// body. Answers cost no tokens; what counts is requests and recipients.
package resend

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins"
)

// Dialect is the name manifests use for this package.
const Dialect = "resend"

// Actions of the dialect, as manifests and policies name them.
const (
	EmailsSend  = "emails.send"
	EmailsBatch = "emails.batch"
	EmailsGet   = "emails.get"
)

// MaxBatch is how many messages Resend takes at once.
const MaxBatch = 100

// Provider is one service that speaks the dialect.
type Provider struct {
	manifest plugins.Manifest
	routes   *plugins.Routes
}

var _ plugins.Provider = (*Provider)(nil)

// endpoints are the actions the dialect can describe. /emails/send is for apps
// written for other gateways.
func endpoints() []plugins.Endpoint {
	return []plugins.Endpoint{
		{Name: EmailsSend, Method: http.MethodPost, Path: "/emails", Aliases: []string{"/emails/send"}},
		{Name: EmailsBatch, Method: http.MethodPost, Path: "/emails/batch"},
		{Name: EmailsGet, Method: http.MethodGet, Path: "/emails/{id}"},
	}
}

// New returns the provider a manifest declares. A manifest for another dialect
// or with an action or endpoint the dialect does not have is a
// *[plugins.ManifestError].
func New(m plugins.Manifest) (*Provider, error) {
	routes, err := plugins.NewRoutes(m, Dialect, endpoints())
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
	if err := plugins.CheckNoQuery(req.RawQuery, members()...); err != nil {
		return nil, err
	}
	call := &plugins.Call{
		Facts:  plugins.Facts{Action: match.Action.Name},
		Method: match.Action.Method,
		Path:   match.Path,
		Header: p.manifest.RequestHeader(req.Header, "Accept", "Idempotency-Key"),
	}
	var err error
	switch match.Action.Name {
	case EmailsSend:
		err = describeSend(req, call)
	case EmailsBatch:
		err = describeBatch(req, call)
	default:
		err = describeGet(req)
	}
	if err != nil {
		return nil, err
	}
	return call, nil
}

// ResponseHeader implements [plugins.Provider]. The rate limits are those of the
// owner's account and none of the app's business.
func (p *Provider) ResponseHeader(upstream http.Header) http.Header {
	return plugins.AllowHeader(upstream, "Content-Type", "Content-Encoding", "Retry-After")
}
