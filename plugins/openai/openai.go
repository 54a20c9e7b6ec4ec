// Package openai is the dialect of OpenAI's API and of the many services that
// speak it: chats, responses, embeddings, images, audio, moderations and the
// list of models.
//
// It guarantees that the policy judges what the provider will read, that every
// streamed answer reports its usage, and that a client sees a stream as it would
// come from the provider, byte for byte, but for two documented differences in
// chats: chunks say "usage":null, as they do whenever usage is asked for, and the
// extra chunk that carries the usage is dropped when the client had not asked
// for it. Forms are written anew, so that no second reading of one is possible.
//
// It refuses endpoints it does not list (also those that follow up on a stored
// response), work in the background, which nobody would meter, service tiers with
// prices of their own, tools that name a model of their own, bodies that are not
// plain JSON or plain forms, and members that the provider does not document, by
// which other servers could be pointed at another model, host, key or tool.
//
// What it cannot see, it says: input that the provider adds from a stored
// response, a conversation, a prompt, a file or a tool it runs itself is unknown.
// Fees per search or per session of such tools are in no price table; where the
// provider states what an answer cost, they are in that.
package openai

import (
	"net/http"
	"net/url"
	"slices"
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

// endpoints are the actions the dialect can describe and meter, and their only
// paths.
func endpoints() []plugins.Endpoint {
	return []plugins.Endpoint{
		{Name: ChatCompletions, Method: http.MethodPost, Path: "/chat/completions"},
		{Name: Responses, Method: http.MethodPost, Path: "/responses"},
		{Name: Responses, Method: http.MethodPost, Path: "/v1/responses", Aliases: []string{"/responses"}}, // Perplexity, whose base has no /v1
		{Name: Embeddings, Method: http.MethodPost, Path: "/embeddings"},
		{Name: ImagesGenerations, Method: http.MethodPost, Path: "/images/generations"},
		{Name: ImagesEdits, Method: http.MethodPost, Path: "/images/edits"},
		{Name: AudioTranscriptions, Method: http.MethodPost, Path: "/audio/transcriptions"},
		{Name: AudioTranslations, Method: http.MethodPost, Path: "/audio/translations"},
		{Name: AudioSpeech, Method: http.MethodPost, Path: "/audio/speech"},
		{Name: Moderations, Method: http.MethodPost, Path: "/moderations"},
		{Name: ModelsList, Method: http.MethodGet, Path: "/models"},
	}
}

// Provider is one service that speaks the dialect.
type Provider struct {
	manifest plugins.Manifest
	routes   *plugins.Routes
	critical []string
	bodies   map[string]*plugins.Vocabulary // by action
	spell    string                         // the names of the output cap
}

var (
	_ plugins.Provider = (*Provider)(nil)
	_ plugins.Uploader = (*Provider)(nil)
)

// New returns the provider a manifest declares. A manifest for another dialect
// or with an action or endpoint the dialect does not have is a
// *[plugins.ManifestError].
func New(m plugins.Manifest) (*Provider, error) {
	routes, err := plugins.NewRoutes(m, Dialect, endpoints(), prefixes(m)...)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		manifest: m, routes: routes, spell: m.SpellsOutputCap(),
		critical: slices.Concat(decisive(), diverting()), bodies: make(map[string]*plugins.Vocabulary),
	}
	for _, action := range m.Actions {
		known := slices.Concat(members(action.Name), extras(m.ID, action.Name))
		p.bodies[action.Name] = plugins.NewVocabulary(known, p.critical)
	}
	return p, nil
}

// prefixes are what clients put before a path: OpenAI's own version, or all of
// the base URL's path, as SDKs of other providers do (Groq's: /openai/v1).
func prefixes(m plugins.Manifest) []string {
	all := []string{"/v1"}
	if base, err := url.Parse(m.BaseURL); err == nil && base.Path != "" && base.Path != "/v1" && base.RawPath == "" {
		all = append(all, base.Path)
	}
	return all
}

// Manifest is what New was given.
func (p *Provider) Manifest() plugins.Manifest { return p.manifest }

// Describe implements [plugins.Provider]. The path may or may not begin with /v1.
func (p *Provider) Describe(req plugins.Request) (*plugins.Call, error) {
	match, ok := p.match(req)
	if !ok {
		return nil, plugins.UnsupportedEndpoint("this method and path are not an endpoint the gateway forwards")
	}
	if err := plugins.CheckNoQuery(req.RawQuery, p.critical...); err != nil {
		return nil, err
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

// match finds the action. A path that has its version is not given another.
func (p *Provider) match(req plugins.Request) (plugins.Match, bool) {
	if strings.HasPrefix(req.Path, "/v1/v1/") {
		return plugins.Match{}, false
	}
	return p.routes.Match(req.Method, req.Path)
}

// describe reads the body for what the action is.
func (p *Provider) describe(req plugins.Request, call *plugins.Call) error {
	switch call.Facts.Action {
	case ModelsList:
		if len(req.Body) > 0 || req.Upload != nil {
			return plugins.Invalid("", "listing models takes no body")
		}
		return nil
	case ImagesEdits, AudioTranscriptions, AudioTranslations:
		return describeForm(req, call, p.critical)
	}
	if err := plugins.CheckPlainJSON(req.Header); err != nil {
		return err
	}
	body, err := p.bodies[call.Facts.Action].Parse(req.Body)
	if err != nil {
		return err
	}
	switch call.Facts.Action {
	case ChatCompletions:
		err = p.describeChat(body, call)
	case Responses:
		err = p.describeResponse(body, call)
	case Embeddings, Moderations:
		err = describeInput(body, call)
	case ImagesGenerations:
		err = describeImages(body, call)
	case AudioSpeech:
		err = describeSpeech(body, call)
	}
	call.Header.Set("Content-Type", "application/json")
	call.Body = body.Bytes()
	return err
}

// TakesUpload implements [plugins.Uploader]: forms carry recordings and images.
func (p *Provider) TakesUpload(req plugins.Request) bool {
	match, ok := p.match(req)
	if !ok {
		return false
	}
	switch match.Action.Name {
	case ImagesEdits, AudioTranscriptions, AudioTranslations:
		return true
	}
	return false
}
