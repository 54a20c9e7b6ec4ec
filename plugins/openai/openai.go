// Package openai is the dialect of OpenAI's API and of the many services that
// speak it: chat completions, streamed or not, and the list of models.
//
// It guarantees that the policy judges what the provider will read, that every
// streamed answer reports its usage, and that a client sees a stream as it would
// come from the provider, byte for byte, but for two documented differences:
// chunks say "usage":null, as they do whenever usage is asked for, and the extra
// chunk that carries the usage is dropped when the client had not asked for it.
//
// It refuses endpoints it does not list, bodies that are not plain JSON, and
// members that OpenAI does not document, by which other servers could be pointed
// at another model, host, key or tool.
package openai

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

// Dialect is the name manifests use for this package.
const Dialect = "openai"

// Actions of the dialect, as manifests and policies name them.
const (
	ChatCompletions     = "chat.completions"
	Responses           = "responses"
	Embeddings          = "embeddings"
	ImagesGenerations   = "images.generations"
	ImagesEdits         = "images.edits"
	AudioTranscriptions = "audio.transcriptions"
	AudioTranslations   = "audio.translations"
	AudioSpeech         = "audio.speech"
	Moderations         = "moderations"
	ModelsList          = "models.list"
)

// Provider is one service that speaks the dialect.
type Provider struct {
	manifest plugins.Manifest
	routes   map[string]route // method, space, path
}

var _ plugins.Provider = (*Provider)(nil)

type route struct {
	action   plugins.Action
	describe func(plugins.Request, *plugins.Call) error
}

// known are the actions the dialect can describe and meter, and their only
// endpoints.
func known() []route {
	return []route{
		{plugins.Action{Name: ChatCompletions, Method: http.MethodPost, Path: "/chat/completions"}, describeChat},
		{plugins.Action{Name: ModelsList, Method: http.MethodGet, Path: "/models"}, describeModels},
	}
}

// New returns the provider a manifest declares. A manifest for another dialect
// or with an action or endpoint the dialect does not have is a
// *[plugins.ManifestError].
func New(m plugins.Manifest) (*Provider, error) {
	if m.Dialect != Dialect {
		return nil, &plugins.ManifestError{Member: "dialect", Problem: fmt.Sprintf("must be %q here", Dialect)}
	}
	p := &Provider{manifest: m, routes: make(map[string]route)}
	for i, action := range m.Actions {
		found := false
		for _, r := range known() {
			if r.action.Name == action.Name && r.action.Method == action.Method && r.action.Path == action.Path {
				p.routes[action.Method+" "+action.Path] = r
				found = true
			}
		}
		if !found {
			return nil, &plugins.ManifestError{
				Member:  fmt.Sprintf("actions.%d", i),
				Problem: fmt.Sprintf("the %s dialect has no action %s at %s %s", Dialect, action.Name, action.Method, action.Path),
			}
		}
	}
	return p, nil
}

// Manifest is what New was given.
func (p *Provider) Manifest() plugins.Manifest { return p.manifest }

// Describe implements [plugins.Provider]. The path may or may not begin with /v1.
func (p *Provider) Describe(req plugins.Request) (*plugins.Call, error) {
	r, ok := p.route(req.Method, req.Path)
	if !ok {
		return nil, plugins.UnsupportedEndpoint("this method and path are not an endpoint the gateway forwards")
	}
	if err := checkQuery(req.RawQuery); err != nil {
		return nil, err
	}
	call := &plugins.Call{
		Facts:  plugins.Facts{Action: r.action.Name},
		Method: r.action.Method,
		Path:   r.action.Path,
		Header: requestHeader(req.Header),
	}
	if err := r.describe(req, call); err != nil {
		return nil, err
	}
	return call, nil
}

// route matches the path as it was on the wire, byte for byte, so no reading of
// escapes, dots or slashes that differs from the provider's can play a part.
func (p *Provider) route(method, path string) (route, bool) {
	if !plugins.PlainPath(path) {
		return route{}, false
	}
	if rest, ok := strings.CutPrefix(path, "/v1/"); ok {
		path = "/" + rest
	}
	r, ok := p.routes[method+" "+path]
	return r, ok
}

func describeModels(req plugins.Request, _ *plugins.Call) error {
	if len(req.Body) > 0 {
		return plugins.Invalid("", "listing models takes no body")
	}
	return nil
}
