// Package wordsmith is a dialect to learn from: the whole of a plugin for a
// service that shortens texts. There is no such service, and the gateway does
// not ship it; docs/providers.md walks through it.
//
//	POST /shorten {"model":"brief-1","text":"...","max_tokens":50}
//	-> {"text":"...","usage":{"read":12,"written":5}}
package wordsmith

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/keywicket/keywicket/plugins"
)

// Dialect is the name manifests use for this package.
const Dialect = "wordsmith"

// Provider is one service that speaks the dialect.
type Provider struct {
	manifest plugins.Manifest
	routes   *plugins.Routes
}

// New returns the provider a manifest declares.
func New(m plugins.Manifest) (*Provider, error) {
	routes, err := plugins.NewRoutes(m, Dialect, []plugins.Endpoint{
		{Name: "shorten", Method: http.MethodPost, Path: "/shorten"},
	}, "/v1")
	if err != nil {
		return nil, err
	}
	return &Provider{manifest: m, routes: routes}, nil
}

// Manifest is what New was given.
func (p *Provider) Manifest() plugins.Manifest { return p.manifest }

// Describe says what a request is, and makes the call that stands for it.
func (p *Provider) Describe(req plugins.Request) (*plugins.Call, error) {
	match, ok := p.routes.Match(req.Method, req.Path)
	if !ok {
		return nil, plugins.UnsupportedEndpoint("the gateway forwards POST /shorten and nothing else")
	}
	known := []string{"model", "text", "max_tokens"}
	if err := plugins.CheckNoQuery(req.RawQuery, known...); err != nil {
		return nil, err
	}
	if err := plugins.CheckPlainJSON(req.Header); err != nil {
		return nil, err
	}
	body, err := plugins.ParseObject(req.Body, known...)
	if err != nil {
		return nil, err
	}
	for _, name := range body.Names() {
		if !slices.Contains(known, name) {
			return nil, plugins.Invalid(name, "the member "+name+" is not one the gateway forwards; leave it out")
		}
	}
	facts := plugins.Facts{Action: match.Action.Name, Choices: 1, InputTokens: int64(len(req.Body))}
	facts.Model, _, err = body.String("model")
	if err != nil || (facts.Model != "brief-1" && facts.Model != "brief-2") {
		return nil, plugins.Invalid("model", "model must be brief-1 or brief-2")
	}
	if facts.OutputTokens, _, err = body.Int("max_tokens", 1_000_000); err != nil {
		return nil, err
	}
	header := p.manifest.RequestHeader(req.Header, "Accept")
	header.Set("Content-Type", "application/json")
	return &plugins.Call{
		Facts: facts, Method: match.Action.Method, Path: match.Path, Header: header, Body: req.Body, CapOutput: capOutput,
		Harmless: true, // it shortens a text, and may do so twice
	}, nil
}

// capOutput lowers the cap a body has, or gives it one.
func capOutput(data []byte, limit int64) ([]byte, error) {
	body, err := plugins.ParseObject(data)
	if err != nil {
		return nil, err
	}
	if asked, ok, err := body.Int("max_tokens", 1_000_000); err != nil || (ok && asked <= limit) {
		return data, err
	}
	err = body.Set("max_tokens", []byte(strconv.FormatInt(limit, 10)))
	return body.Bytes(), err
}

// meter reads the usage, which comes at the end of an answer.
type meter struct {
	plugins.Uncounted // for the streams that this service does not have
	tap               *plugins.MemberTap
	bytes             int64
}

// NewMeter returns the meter for one answer.
func (p *Provider) NewMeter(*plugins.Call) plugins.Meter {
	return &meter{tap: plugins.NewMemberTap("usage", 1<<10)}
}

func (m *meter) Body(chunk []byte) {
	m.tap.Watch(chunk)
	m.bytes += int64(len(chunk))
}

func (m *meter) Usage() (plugins.Usage, bool) {
	var u struct{ Read, Written int64 }
	if json.Unmarshal(m.tap.Value(), &u) != nil || u.Read <= 0 || u.Written < 0 {
		return plugins.Usage{}, false
	}
	return plugins.Usage{InputTokens: u.Read, OutputTokens: u.Written}, true
}

func (m *meter) Seen() int64 {
	usage, _ := m.Usage()
	return max(m.bytes, usage.OutputTokens)
}

func (m *meter) Final() bool { _, reported := m.Usage(); return reported }

// ResponseHeader is what a client may see of an answer's headers.
func (p *Provider) ResponseHeader(upstream http.Header) http.Header {
	return plugins.AllowHeader(upstream, "Content-Type", "Content-Encoding", "Retry-After")
}

// ErrorBody is a refusal in the service's own shape.
func (p *Provider) ErrorBody(f plugins.Failure) []byte {
	data, _ := json.Marshal(map[string]string{"code": f.Code, "message": f.Message}) // strings: cannot fail
	return data
}

// ErrorEvent ends a stream.
func (p *Provider) ErrorEvent(f plugins.Failure) []byte {
	return fmt.Appendf(nil, "data: %s\n\n", p.ErrorBody(f))
}

// Probe asks for the account, which costs nothing.
func (p *Provider) Probe() plugins.Probe {
	return plugins.Probe{Method: http.MethodGet, Path: "/account", Header: p.manifest.RequestHeader(nil), Explain: explain}
}

func explain(status int, body []byte) plugins.Verdict {
	words := map[int]string{
		0:   "Wordsmith could not be reached. Check the base URL.",
		401: "Wordsmith does not accept this key. Copy it again.",
		403: "Wordsmith knows this key but has locked it. Ask their support.",
		404: "There is no Wordsmith at this address. Check the base URL.",
		429: "Wordsmith asks to slow down. Try again in a minute.",
		500: "Wordsmith has trouble of its own. Try again later.",
	}
	var account struct{ Account string }
	if status == http.StatusOK && json.Unmarshal(body, &account) == nil && account.Account != "" {
		return plugins.Verdict{OK: true, Words: "The key works."}
	}
	if known, ok := words[status]; ok {
		return plugins.Verdict{Words: known}
	}
	return plugins.Verdict{Words: fmt.Sprintf("Wordsmith gave an unexpected answer (status %d). Check the base URL.", status)}
}
