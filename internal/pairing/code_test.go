package pairing_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

const (
	callback = "https://notes.example/cb?from=keys"
	// From RFC 7636 appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// webApp registers an app that is answered in a browser.
func (g *gateway) webApp(o pairing.StringOptions) *app {
	g.t.Helper()
	r, err := g.redeem(g.code(o), `{"client_name":"Notes","redirect_uris":["`+callback+`","http://127.0.0.1/cb"]}`)
	g.must(err)
	return &app{g: g, key: g.newKey(), id: r.ClientID}
}

// pushed is a request of the code flow as the app makes it.
func (a *app) pushed() pairing.PushRequest {
	return pairing.PushRequest{
		ClientID: a.id, ResponseType: "code", RedirectURI: callback, State: "a b&c", Scope: "llm:openai",
		CodeChallenge: challenge, CodeChallengeMethod: "S256", DPoPJKT: a.key.Thumbprint(), Address: "192.0.2.7",
	}
}

// open pushes a request and brings it to the owner in a browser.
func (a *app) open(r pairing.PushRequest) pairing.Opened {
	a.g.t.Helper()
	pushed, err := a.g.Push(context.Background(), r)
	a.g.must(err)
	opened, err := a.g.Open(context.Background(), pairing.AuthorizeRequest{ClientID: a.id, RequestURI: pushed.RequestURI})
	a.g.must(err)
	return opened
}

// approved is the code that the owner's browser brings back.
func (a *app) approved() string {
	a.g.t.Helper()
	to, err := a.g.ApproveInBrowser(a.open(a.pushed()).RequestID, nil)
	a.g.must(err)
	return answerOf(a.g.t, to).Get("code")
}

func (a *app) exchange(code string) (pairing.TokenResponse, error) {
	a.g.t.Helper()
	return a.token(pairing.TokenRequest{GrantType: pairing.GrantAuthorizationCode, Code: code, RedirectURI: callback, CodeVerifier: verifier})
}

// answerOf are the parameters that a browser brings to the redirect URI.
func answerOf(t testing.TB, to string) url.Values {
	t.Helper()
	rest, ok := strings.CutPrefix(to, callback+"&")
	values, err := url.ParseQuery(rest)
	if !ok || err != nil {
		t.Fatalf("the browser is sent to %q", to)
	}
	return values
}

func TestCodeFlow(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.webApp(pairing.StringOptions{})
	request := a.pushed()
	request.Proof = g.proof(a.key, "/oauth/par", "")
	pushed, err := g.Push(context.Background(), request)
	g.must(err)
	if pushed.ExpiresIn != 60 || !strings.HasPrefix(pushed.RequestURI, "urn:ietf:params:oauth:request_uri:") {
		t.Errorf("answer is %+v", pushed)
	}
	if n := len(g.Requests()); n != 0 {
		t.Errorf("%d requests wait for the owner before a browser came", n)
	}
	at := pairing.AuthorizeRequest{ClientID: a.id, RequestURI: pushed.RequestURI}
	opened, err := g.Open(context.Background(), at)
	g.must(err)
	if again, err := g.Open(context.Background(), at); err != nil || again != opened || opened.Redirect != "" {
		t.Errorf("opened %+v, reloaded %+v (%v)", opened, again, err)
	}
	g.restart()
	r, err := g.Request(opened.RequestID)
	g.must(err)
	if r.UserCode != "" || r.RedirectURI != callback || r.Fingerprint != dpop.Fingerprint(a.key.Thumbprint()) || r.Asked[0].Resource != "llm:openai" || len(g.Requests()) != 1 {
		t.Errorf("the owner sees %+v", r)
	}
	if err := g.Approve(r.ID, nil); !errors.Is(err, pairing.ErrInBrowser) {
		t.Errorf("approving without the browser: %v", err)
	}
	g.clock.Advance(9 * time.Minute) // the owner takes time
	to, err := g.ApproveInBrowser(r.ID, []policy.Document{{Resource: "llm:openai", Models: []string{"gpt-4o-mini"}}})
	g.must(err)
	answer := answerOf(t, to)
	if answer.Get("state") != "a b&c" || answer.Get("iss") != issuer || len(answer.Get("code")) != 43 || len(answer) != 3 {
		t.Errorf("the browser brings %v", answer)
	}
	if _, err := g.ApproveInBrowser(r.ID, nil); !errors.Is(err, pairing.ErrRequestDecided) {
		t.Errorf("approving twice: %v", err)
	}
	g.restart()
	tokens, err := a.exchange(answer.Get("code"))
	g.must(err)
	if len(tokens.AuthorizationDetails) != 1 || string(tokens.AuthorizationDetails[0]) != `{"identifier":"llm:openai","models":["gpt-4o-mini"],"type":"keywicket"}` {
		t.Errorf("told the app %s", tokens.AuthorizationDetails)
	}
	a.access, a.refresh = tokens.AccessToken, tokens.RefreshToken
	_, err = a.exchange(answer.Get("code"))
	refused(t, err, 400, "invalid_grant")
	if _, err := a.use(); err != nil {
		t.Errorf("the session after its code was replayed: %v", err)
	}
	g.must(a.renew())
}

func TestDenialGoesBackToTheApp(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.webApp(pairing.StringOptions{})
	id := a.open(a.pushed()).RequestID
	to, err := g.DenyInBrowser(id)
	g.must(err)
	answer := answerOf(t, to)
	if answer.Get("error") != "access_denied" || answer.Get("state") != "a b&c" || answer.Get("iss") != issuer || answer.Has("code") {
		t.Errorf("the browser brings %v", answer)
	}
	if _, err := g.DenyInBrowser(id); !errors.Is(err, pairing.ErrRequestDecided) || g.events(audit.ConsentDenied) != 1 {
		t.Errorf("denying twice: %v", err)
	}
}

// TestCodeIsBound tries a code with everything but what it was made for.
func TestCodeIsBound(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, other := g.webApp(pairing.StringOptions{}), g.webApp(pairing.StringOptions{})
	code := a.approved()
	good := pairing.TokenRequest{GrantType: pairing.GrantAuthorizationCode, Code: code, RedirectURI: callback, CodeVerifier: verifier}
	for name, change := range map[string]func(*pairing.TokenRequest){
		"another code":         func(r *pairing.TokenRequest) { r.Code = strings.Repeat("x", 43) },
		"another redirect URI": func(r *pairing.TokenRequest) { r.RedirectURI = "http://127.0.0.1/cb" },
		"another verifier":     func(r *pairing.TokenRequest) { r.CodeVerifier = strings.Repeat("x", 43) },
		"the challenge itself": func(r *pairing.TokenRequest) { r.CodeVerifier = challenge },
	} {
		r := good
		change(&r)
		_, err := a.token(r)
		if e := refused(t, err, 400, "invalid_grant"); t.Failed() {
			t.Fatalf("%s: %v", name, e)
		}
	}
	for _, change := range []func(*pairing.TokenRequest){
		func(r *pairing.TokenRequest) { r.Code = "" },
		func(r *pairing.TokenRequest) { r.RedirectURI = "" },
		func(r *pairing.TokenRequest) { r.CodeVerifier = "" },
	} {
		r := good
		change(&r)
		_, err := a.token(r)
		refused(t, err, 400, "invalid_request")
	}
	_, err := other.token(good)
	refused(t, err, 400, "invalid_grant")
	right := a.key
	a.key = other.key
	_, err = a.token(good)
	refused(t, err, 400, "invalid_grant")
	a.key = right
	g.must(g.Freeze())
	_, err = a.token(good)
	refused(t, err, 503, "temporarily_unavailable")
	g.must(g.Thaw())
	_, err = a.token(good) // none of this used it up
	g.must(err)

	late := a.approved()
	g.clock.Advance(pairing.CodeLife)
	_, err = a.exchange(late)
	refused(t, err, 400, "invalid_grant")
}

func TestCodeWorksOnce(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.webApp(pairing.StringOptions{})
	code := a.approved()
	var won atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		proof := g.proof(a.key, "/oauth/token", "")
		all.Go(func() {
			_, err := g.Token(context.Background(), pairing.TokenRequest{
				GrantType: pairing.GrantAuthorizationCode, ClientID: a.id, Code: code, RedirectURI: callback, CodeVerifier: verifier, Proof: proof,
			})
			if err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || len(g.Sessions(a.id)) != 1 {
		t.Errorf("%d exchanges won, %d sessions", won.Load(), len(g.Sessions(a.id)))
	}
}

func TestUnboundCodeIsBoundByItsExchange(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a := g.webApp(pairing.StringOptions{})
	r := a.pushed()
	r.DPoPJKT = ""
	to, err := g.ApproveInBrowser(a.open(r).RequestID, nil)
	g.must(err)
	_, err = a.exchange(answerOf(t, to).Get("code"))
	g.must(err)
	if app, err := g.App(a.id); err != nil || app.Thumbprint != a.key.Thumbprint() {
		t.Errorf("app is bound to %q (%v)", app.Thumbprint, err)
	}
}

// TestPresetInTheCodeFlow is a single paste: no visit of the owner follows.
func TestPresetInTheCodeFlow(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	preset := []policy.Document{{Resource: "llm:openai", MaxOutputTokens: 100}}
	a := g.webApp(pairing.StringOptions{Preset: preset, Approve: true})
	pushed, err := g.Push(context.Background(), a.pushed())
	g.must(err)
	at := pairing.AuthorizeRequest{ClientID: a.id, RequestURI: pushed.RequestURI}
	opened, err := g.Open(context.Background(), at)
	g.must(err)
	if _, err := g.Open(context.Background(), at); !errors.Is(err, pairing.ErrNoPushed) {
		t.Errorf("a second code: %v", err)
	}
	_, err = a.exchange(answerOf(t, opened.Redirect).Get("code"))
	g.must(err)
	// The next request is the owner's to answer.
	if next := a.open(a.pushed()); next.Redirect != "" || next.RequestID == "" {
		t.Errorf("a second session: %+v", next)
	}
}

// TestApprovalGoesToWhoAsksFirst: once a browser has carried the client_id,
// knowing it must not be worth what the pairing string was.
func TestApprovalGoesToWhoAsksFirst(t *testing.T) {
	t.Parallel()
	unbound := func(a *app) pairing.PushRequest {
		r := a.pushed()
		r.DPoPJKT = ""
		return r
	}
	for name, first := range map[string]func(*app) pairing.PushRequest{"bound": (*app).pushed, "unbound": unbound} {
		g := newGateway(t)
		a := g.webApp(pairing.StringOptions{Preset: []policy.Document{{Resource: "llm:openai"}}, Approve: true})
		pushed, err := g.Push(context.Background(), first(a))
		g.must(err)

		stranger := &app{g: g, key: g.newKey(), id: a.id}
		stranger.ask("llm:openai")
		_, err = stranger.poll()
		refused(t, err, 400, "authorization_pending")
		for _, r := range []pairing.PushRequest{stranger.pushed(), unbound(stranger)} {
			if opened := stranger.open(r); opened.Redirect != "" || opened.RequestID == "" {
				t.Errorf("%s: a stranger got a code: %+v", name, opened)
			}
		}
		g.restart()
		// The app's own second try, with the key it named.
		if opened := a.open(a.pushed()); (opened.Redirect != "") != (name == "bound") {
			t.Errorf("%s: asking again: %+v", name, opened)
		}
		opened, err := g.Open(context.Background(), pairing.AuthorizeRequest{ClientID: a.id, RequestURI: pushed.RequestURI})
		g.must(err)
		_, err = a.exchange(answerOf(t, opened.Redirect).Get("code"))
		g.must(err)
	}
}

func TestPushErrors(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, native := g.webApp(pairing.StringOptions{}), g.register(pairing.StringOptions{})
	for name, row := range map[string]struct {
		change func(*pairing.PushRequest)
		code   string
	}{
		"no client":             {func(r *pairing.PushRequest) { r.ClientID = "" }, "invalid_request"},
		"unknown client":        {func(r *pairing.PushRequest) { r.ClientID = "app_nobody" }, "invalid_client"},
		"not registered for it": {func(r *pairing.PushRequest) { r.ClientID = native.id }, "unauthorized_client"},
		"no response type":      {func(r *pairing.PushRequest) { r.ResponseType = "" }, "invalid_request"},
		"implicit":              {func(r *pairing.PushRequest) { r.ResponseType = "token" }, "unsupported_response_type"},
		"hybrid":                {func(r *pairing.PushRequest) { r.ResponseType = "code id_token" }, "unsupported_response_type"},
		"response mode":         {func(r *pairing.PushRequest) { r.ResponseMode = "fragment" }, "invalid_request"},
		"no redirect URI":       {func(r *pairing.PushRequest) { r.RedirectURI = "" }, "invalid_request"},
		"prefix":                {func(r *pairing.PushRequest) { r.RedirectURI = callback + "x" }, "invalid_request"},
		"no challenge":          {func(r *pairing.PushRequest) { r.CodeChallenge = "" }, "invalid_request"},
		"short challenge":       {func(r *pairing.PushRequest) { r.CodeChallenge = "x" }, "invalid_request"},
		"plain":                 {func(r *pairing.PushRequest) { r.CodeChallengeMethod = "plain" }, "invalid_request"},
		"no method":             {func(r *pairing.PushRequest) { r.CodeChallengeMethod = "" }, "invalid_request"},
		"long state":            {func(r *pairing.PushRequest) { r.State = strings.Repeat("x", 1025) }, "invalid_request"},
		"state with a newline":  {func(r *pairing.PushRequest) { r.State = "a\nb" }, "invalid_request"},
		"request object":        {func(r *pairing.PushRequest) { r.Request = "e30.e30." }, "request_not_supported"},
		"request_uri":           {func(r *pairing.PushRequest) { r.RequestURI = "urn:x" }, "invalid_request"},
		"nothing asked":         {func(r *pairing.PushRequest) { r.Scope = "" }, "invalid_scope"},
		"unknown resource":      {func(r *pairing.PushRequest) { r.Scope = "llm:nobody" }, "invalid_scope"},
		"bad details":           {func(r *pairing.PushRequest) { r.AuthorizationDetails = "{}" }, "invalid_authorization_details"},
		"bad thumbprint":        {func(r *pairing.PushRequest) { r.DPoPJKT = "x" }, "invalid_request"},
		"proof for elsewhere":   {func(r *pairing.PushRequest) { r.Proof = g.proof(a.key, "/oauth/token", "") }, "invalid_dpop_proof"},
		"proof by another key":  {func(r *pairing.PushRequest) { r.Proof = g.proof(native.key, "/oauth/par", "") }, "invalid_dpop_proof"},
	} {
		t.Run(name, func(t *testing.T) {
			r := a.pushed()
			row.change(&r)
			_, err := g.Push(context.Background(), r)
			refused(t, err, 400, row.code)
		})
	}
	_, err := g.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: codeOnly(g), Scope: "llm:openai"})
	refused(t, err, 400, "unauthorized_client")
}

func codeOnly(g *gateway) string {
	r, err := g.redeem(g.code(pairing.StringOptions{}), `{"grant_types":["authorization_code"],"redirect_uris":["`+callback+`"]}`)
	g.must(err)
	return r.ClientID
}

func TestPushedRequestIsBroughtInTime(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	a, other := g.webApp(pairing.StringOptions{}), g.webApp(pairing.StringOptions{})
	pushed, err := g.Push(context.Background(), a.pushed())
	g.must(err)
	for _, at := range []pairing.AuthorizeRequest{
		{}, {ClientID: a.id}, {ClientID: other.id, RequestURI: pushed.RequestURI}, {ClientID: a.id, RequestURI: "urn:ietf:params:oauth:request_uri:x"},
		{ClientID: a.id, RequestURI: strings.TrimPrefix(pushed.RequestURI, "urn:ietf:params:oauth:request_uri:")},
	} {
		if _, err := g.Open(context.Background(), at); !errors.Is(err, pairing.ErrNoPushed) {
			t.Errorf("%+v: %v", at, err)
		}
	}
	g.clock.Advance(pairing.PushedLife)
	if _, err := g.Open(context.Background(), pairing.AuthorizeRequest{ClientID: a.id, RequestURI: pushed.RequestURI}); !errors.Is(err, pairing.ErrNoPushed) {
		t.Errorf("too late: %v", err)
	}
	// Requests that no browser brings do not use up the app's share for long.
	for range 20 {
		a.open(a.pushed())
		if _, err := g.DenyInBrowser(g.Requests()[0].ID); err != nil {
			t.Fatal(err)
		}
	}
}
