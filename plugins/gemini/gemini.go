// Package gemini is the dialect of Google's Gemini API: content generated at
// once or as a stream, of events or as a growing JSON array, the counting of
// tokens, embeddings, and the models.
//
// It guarantees that the policy judges what the provider will read: the model is
// the one in the path and no other, and a member counts in either of the two
// spellings that Google reads (generationConfig, generation_config), but not in
// both at once. A client sees an answer as it comes from the provider, byte for
// byte.
//
// It refuses endpoints it does not list, keys in a query, bodies that are not
// plain JSON, members that are not known, and what has another price than the
// model: priority tiers, and configurations by which Google chooses a model.
package gemini

import (
	"net/http"
	"regexp"

	"github.com/keywicket/keywicket/plugins"
)

// Dialect is the name manifests use for this package.
const Dialect = "gemini"

// Actions of the dialect, as manifests and policies name them.
const (
	GenerateContent       = "generate_content"
	StreamGenerateContent = "stream_generate_content"
	CountTokens           = "count_tokens"
	EmbedContent          = "embed_content"
	BatchEmbedContents    = "batch_embed_contents"
	ModelsList            = "models.list"
	ModelsGet             = "models.get"
)

// Provider is one service that speaks the dialect.
type Provider struct {
	manifest plugins.Manifest
	routes   *plugins.Routes
}

var _ plugins.Provider = (*Provider)(nil)

// endpoints are the actions the dialect can describe and meter.
func endpoints() []plugins.Endpoint {
	return []plugins.Endpoint{
		{Name: GenerateContent, Method: http.MethodPost, Path: "/models/{model}:generateContent"},
		{Name: StreamGenerateContent, Method: http.MethodPost, Path: "/models/{model}:streamGenerateContent"},
		{Name: CountTokens, Method: http.MethodPost, Path: "/models/{model}:countTokens"},
		{Name: EmbedContent, Method: http.MethodPost, Path: "/models/{model}:embedContent"},
		{Name: BatchEmbedContents, Method: http.MethodPost, Path: "/models/{model}:batchEmbedContents"},
		{Name: ModelsList, Method: http.MethodGet, Path: "/models"},
		{Name: ModelsGet, Method: http.MethodGet, Path: "/models/{model}"},
	}
}

// New returns the provider a manifest declares. A manifest for another dialect
// or with an action or endpoint the dialect does not have is a
// *[plugins.ManifestError].
func New(m plugins.Manifest) (*Provider, error) {
	routes, err := plugins.NewRoutes(m, Dialect, endpoints(), "/v1beta", "/v1")
	if err != nil {
		return nil, err
	}
	return &Provider{manifest: m, routes: routes}, nil
}

// Manifest is what New was given.
func (p *Provider) Manifest() plugins.Manifest { return p.manifest }

// modelShape is how Google names models; a dot or a tilde at an end would be
// read as something else by some server.
var modelShape = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$`)

// Describe implements [plugins.Provider]. The path may begin with /v1beta or /v1,
// as SDKs write it, or with neither; the version is the base URL's.
func (p *Provider) Describe(req plugins.Request) (*plugins.Call, error) {
	match, ok := p.routes.Match(req.Method, req.Path)
	model, named := match.Values["model"]
	if !ok || named && !modelShape.MatchString(model) {
		return nil, plugins.UnsupportedEndpoint("this method and path are not an endpoint the gateway forwards")
	}
	call := &plugins.Call{
		Facts:  plugins.Facts{Action: match.Action.Name, Model: model},
		Method: match.Action.Method,
		Path:   match.Path,
		Header: p.manifest.RequestHeader(req.Header),
		// Nothing is kept that an app could tell two calls by.
		Harmless: true,
	}
	var err error
	if call.RawQuery, err = readQuery(req.RawQuery, call.Facts.Action); err != nil {
		return nil, err
	}
	if err := describe(req, call); err != nil {
		return nil, err
	}
	return call, nil
}

func describe(req plugins.Request, call *plugins.Call) error {
	if call.Method == http.MethodGet {
		if len(req.Body) > 0 {
			return plugins.Invalid("", "asking for models takes no body")
		}
		return nil
	}
	if err := plugins.CheckPlainJSON(req.Header); err != nil {
		return err
	}
	call.Header.Set("Content-Type", "application/json")
	call.Body = req.Body
	switch call.Facts.Action {
	case CountTokens:
		return describeCount(req.Body, call)
	case EmbedContent:
		return describeEmbed(req.Body, call)
	case BatchEmbedContents:
		return describeBatch(req.Body, call)
	}
	return describeGenerate(req.Body, call)
}
