// Package anthropic is the dialect of Anthropic's API: messages, streamed or
// not, the counting of their tokens, and the list of models.
//
// It guarantees that the policy judges what the provider will read, that no
// request can name a second model, and that a client sees an answer as it comes
// from the provider, byte for byte. The input that Anthropic reports in three
// counts is one in [plugins.Usage]; see [counts].
//
// It refuses endpoints it does not list, bodies that are not plain JSON, members
// that are not known, and what would cost more than the price of the model says:
// fast mode, a paid region, models that help or stand in for the one asked for.
// Of the anthropic-beta header it forwards the features it can describe and
// meter; the rest is left out as other headers are.
package anthropic

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins"
)

// Dialect is the name manifests use for this package.
const Dialect = "anthropic"

// Actions of the dialect, as manifests and policies name them.
const (
	Messages    = "messages"
	CountTokens = "messages.count_tokens"
	ModelsList  = "models.list"
)

// Provider is one service that speaks the dialect.
type Provider struct {
	manifest plugins.Manifest
	routes   *plugins.Routes
	decisive []string
	messages *plugins.Vocabulary
	counts   *plugins.Vocabulary
}

var _ plugins.Provider = (*Provider)(nil)

// endpoints are the actions the dialect can describe and meter.
func endpoints() []plugins.Endpoint {
	return []plugins.Endpoint{
		{Name: Messages, Method: http.MethodPost, Path: "/messages"},
		{Name: CountTokens, Method: http.MethodPost, Path: "/messages/count_tokens"},
		{Name: ModelsList, Method: http.MethodGet, Path: "/models"},
	}
}

// New returns the provider a manifest declares. A manifest for another dialect
// or with an action or endpoint the dialect does not have is a
// *[plugins.ManifestError].
func New(m plugins.Manifest) (*Provider, error) {
	routes, err := plugins.NewRoutes(m, Dialect, endpoints(), "/v1")
	if err != nil {
		return nil, err
	}
	return &Provider{
		manifest: m, routes: routes, decisive: decisive(),
		messages: plugins.NewVocabulary(messageMembers(), decisive()),
		counts:   plugins.NewVocabulary(countMembers(), decisive()),
	}, nil
}

// Manifest is what New was given.
func (p *Provider) Manifest() plugins.Manifest { return p.manifest }

// Describe implements [plugins.Provider]. The path may or may not begin with /v1.
func (p *Provider) Describe(req plugins.Request) (*plugins.Call, error) {
	match, ok := p.routes.Match(req.Method, req.Path)
	if !ok {
		return nil, plugins.UnsupportedEndpoint("this method and path are not an endpoint the gateway forwards")
	}
	call := &plugins.Call{
		Facts:  plugins.Facts{Action: match.Action.Name},
		Method: match.Action.Method,
		Path:   match.Path,
		Header: p.requestHeader(req.Header),
		// Nothing is kept that an app could tell two calls by.
		Harmless: true,
	}
	if err := p.describe(req, call); err != nil {
		return nil, err
	}
	return call, nil
}

func (p *Provider) describe(req plugins.Request, call *plugins.Call) error {
	switch call.Facts.Action {
	case Messages:
		return p.describeMessages(req, call)
	case CountTokens:
		return p.describeCount(req, call)
	}
	return describeModels(req, call)
}
