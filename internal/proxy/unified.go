package proxy

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/plugins"
)

// UnifiedPrefix is where the one address for all providers is mounted: the name
// of the model says which one is meant.
const UnifiedPrefix = "/v1/"

const (
	openAI    = "llm:openai"    // speaks for the gateway in OpenAI's dialect
	anthropic = "llm:anthropic" // and in Anthropic's
)

// unified is what a request on the gateway's one address is about.
type unified struct {
	path   string // behind /v1, as providers have it
	native bool   // in Anthropic's dialect; else in OpenAI's
	list   bool   // asks which models there are

	body    []byte
	targets []providers.Target // still to be tried, in order
}

// routeUnified finds what is asked on the one address, and who speaks for the
// gateway before a provider is known. Which of them it is the body says.
func (x *exchange) routeUnified(path string) error {
	u := &unified{path: path}
	method := http.MethodPost
	switch path {
	case "/chat/completions", "/responses", "/embeddings":
	case "/messages", "/messages/count_tokens":
		u.native = true
	case "/models":
		method, u.list = http.MethodGet, true
		u.native = x.request.Header.Get("Anthropic-Version") != ""
	default:
		method = ""
	}
	x.unified, x.path = u, path
	if u.native {
		x.provider, _ = x.p.cfg.Providers.Lookup(anthropic)
	} else {
		x.provider, _ = x.p.cfg.Providers.OpenAI(openAI)
	}
	if x.request.Method != method {
		return plugins.UnsupportedEndpoint("the gateway's own address has POST /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages and " +
			"/v1/messages/count_tokens, and GET /v1/models; everything else a provider has is below /r/<type>/<provider>/")
	}
	return nil
}

// lists says that the gateway answers by itself.
func (x *exchange) lists() bool { return x.unified != nil && x.unified.list }

// choose finds what the name of the model stands for, and describes the request
// as one for the first of that which can be asked.
func (x *exchange) choose() error {
	u := x.unified
	var err error
	if u.body, err = x.body.read(); err != nil {
		return err
	}
	if err := plugins.CheckPlainJSON(x.request.Header); err != nil {
		return err
	}
	object, err := plugins.ParseObject(u.body, "model")
	if err != nil {
		return err
	}
	name, _, err := object.String("model")
	if err != nil {
		return err
	}
	if name == "" {
		return plugins.Invalid("model", "model is missing; write provider/model, such as groq/llama-3.3-70b-versatile. GET /v1/models lists what may be used")
	}
	if u.targets, err = x.names().targets(name); err != nil {
		return err
	}
	return x.following(x.aimAtTarget(u.next()))
}

// names is what models are called for the app.
func (x *exchange) names() naming {
	cfg := x.p.cfg
	return naming{permissions: cfg.Pairing.Permissions(x.caller.App.ID), providers: cfg.Providers, prices: cfg.Prices}
}

// next takes the next target. There must be one.
func (u *unified) next() providers.Target {
	t := u.targets[0]
	u.targets = u.targets[1:]
	return t
}

// following goes on to further targets while one cannot be described. The first
// error is the one to be told.
func (x *exchange) following(err error) error {
	first := err
	for refused(err) && x.unified != nil && len(x.unified.targets) > 0 {
		err = x.aimAtTarget(x.unified.next())
	}
	if err != nil {
		return first
	}
	return nil
}

// refused says that a request may not, or cannot, be sent to where it is aimed.
func refused(err error) bool {
	var (
		denied *policy.Denied
		bad    *plugins.Error
	)
	return errors.As(err, &denied) || errors.As(err, &bad)
}

// aimAtTarget describes the request as one for a provider's model: under the
// provider's own name for it, and with no other change.
func (x *exchange) aimAtTarget(t providers.Target) error {
	u := x.unified
	err := x.aimAt(t.Resource, func() (plugins.Provider, bool) { return x.p.speaks(u.native, t.Resource) })
	if err != nil {
		return unspoken(u, t)
	}
	object, err := plugins.ParseObject(u.body, "model")
	if err != nil {
		return err
	}
	name, err := json.Marshal(t.Model)
	if err != nil {
		return plugins.Invalid("model", "the name of the model is not valid text")
	}
	if err := object.Set("model", name); err != nil {
		return err
	}
	return x.describeAs(plugins.Request{Body: object.Bytes()})
}

// speaks finds what speaks to a resource in the dialect of the request.
func (p *Proxy) speaks(native bool, resource string) (plugins.Provider, bool) {
	if !native {
		return p.cfg.Providers.OpenAI(resource)
	}
	found, ok := p.cfg.Providers.Lookup(resource)
	return found, ok && found.Manifest().Dialect == "anthropic"
}

func unspoken(u *unified, t providers.Target) error {
	elsewhere := "/v1/messages"
	if u.native {
		elsewhere = "/v1/chat/completions"
	}
	return plugins.UnsupportedEndpoint(t.String() + " cannot be reached at /v1" + u.path + "; try " + elsewhere +
		", or the provider's own API below /r/" + strings.Replace(t.Resource, ":", "/", 1) + "/")
}

// nextTarget goes on to the next target of an alias that the app may use and
// that has a key, each with a line of its own in the audit log; nil when there is
// none. Then everything is as it was, but that nothing is held of the limits any
// more: what was answered is an error.
func (x *exchange) nextTarget() *try {
	if x.unified == nil || len(x.unified.targets) == 0 {
		return nil
	}
	before := x.aim
	for len(x.unified.targets) > 0 {
		x.letGo()
		if x.aimAtTarget(x.unified.next()) != nil || x.decideThis() != nil {
			continue
		}
		if err := x.p.cfg.Audit.Append(x.event(audit.RequestStarted)); err != nil {
			x.cancel(refusalOf(err)) // which is then the answer
			break
		}
		x.tried = nil // a key may serve several models
		if next, err := x.nextKey(); err == nil {
			return next
		}
	}
	x.letGo()
	x.aim = before
	x.reservation = nil
	return nil
}

// letGo gives back what is held of the limits.
func (x *exchange) letGo() {
	rights := &x.entry.rights
	rights.mu.Lock()
	defer rights.mu.Unlock()
	rights.decided, rights.reservation, rights.closer = false, nil, nil
	if x.reservation != nil {
		x.reservation.Release()
		x.reservation = nil
	}
}
