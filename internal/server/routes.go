package server

import (
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/keywicket/keywicket/internal/ui"
)

// route is one row of the public side's table: nothing is served that is not
// in it.
type route struct {
	method, path string
	guards       []guard // in this order
	handler      echo.HandlerFunc
}

// anyMethod stands for every method a client may send.
const anyMethod = "*"

// routes is the table of the public side.
//
//	who may call                                    guarded by
//	health      anybody                              deadlines
//	oauth       anybody; a code, a proof or a token  deadlines, throttle, confirmed; pairing checks the rest
//	api         an app with token and proof          deadlines, throttle, confirmed
//	data plane  an app with token and proof          confirmed; proxy, which sets deadlines per read and write
//	preflights  a web page an app may be on          deadlines, throttle; crossOrigin
//	console     the owner's browser                  deadlines, cross-origin check, throttle before
//	                                                 sign-in, tighter on what takes a passphrase, ui.Guard
func (s *Server) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	apps := newThrottle(s.cfg.UnauthenticatedPerMinute)
	anybody := []guard{deadlines}
	x := &crossOrigin{pairing: s.rooms.pairing}
	visits := []guard{deadlines, apps.guard, s.rooms.confirmed}
	throttled := []guard{deadlines, s.rooms.nonce, x.share, apps.guard, s.rooms.confirmed}
	calls := []guard{deadlines, s.rooms.nonce, x.share, newThrottle(s.cfg.UnauthenticatedPerMinute).guard, s.rooms.confirmed}
	data := []guard{s.rooms.nonce, x.share, x.preflights(newThrottle(s.cfg.UnauthenticatedPerMinute)), s.rooms.confirmedData}
	o := &oauth{pairing: s.rooms.pairing, errorPage: s.rooms.ui.Error}
	a := &api{pairing: s.rooms.pairing, ledger: s.rooms.ledger, publicURL: s.url, history: &ownHistory{
		usage: s.rooms.usage, zone: s.cfg.Zone, clock: s.cfg.Clock, known: map[string]ownMonth{},
	}}
	table := []route{
		{get, "/healthz", anybody, healthz},
		{get, "/readyz", anybody, s.rooms.readyz},
		{get, "/oauth/authorize", visits, o.authorize},

		{anyMethod, "/r/*", data, echo.WrapHandler(s.rooms.proxy)},
		{anyMethod, "/v1/*", data, echo.WrapHandler(s.rooms.proxy)},
	}
	shared := []route{
		{get, "/.well-known/oauth-authorization-server", throttled, o.metadata},
		{get, "/.well-known/openid-configuration", throttled, o.metadata},
		{get, "/.well-known/oauth-protected-resource", throttled, o.resourceMetadata},
		{get, "/oauth/jwks", throttled, o.jwks},
		{post, "/oauth/register", throttled, o.register},
		{post, "/oauth/device", throttled, o.device},
		{post, "/oauth/par", throttled, o.push},
		{post, "/oauth/token", throttled, o.token},
		{post, "/oauth/revoke", throttled, o.revoke},

		{post, "/oauth/keys", calls, o.keys},
		{get, "/api/app", calls, a.app},
	}
	for _, r := range shared {
		table = append(table, r, route{http.MethodOptions, r.path, r.guards, x.preflight})
	}
	return append(table, s.consoleRoutes()...)
}

// signInsPerMinute bounds passphrases typed from one address: one stranger
// must not keep the vault's own delay running against the owner.
const signInsPerMinute = 10

func (s *Server) consoleRoutes() []route {
	protection := http.NewCrossOriginProtection()
	sameOrigin := func(c echo.Context) error {
		if err := protection.Check(c.Request()); err != nil {
			return echo.NewHTTPError(http.StatusForbidden, err.Error())
		}
		return nil
	}
	visitors := newThrottle(s.cfg.UnauthenticatedPerMinute)
	guesses := newThrottle(min(signInsPerMinute, s.cfg.UnauthenticatedPerMinute))
	var table []route
	for _, r := range s.rooms.ui.Routes() {
		guards := []guard{deadlines, atHome(s.url), sameOrigin}
		switch {
		case r.Access == ui.SignedIn:
		case r.Method == http.MethodPost:
			guards = append(guards, guesses.guard)
		default:
			guards = append(guards, visitors.guard)
		}
		table = append(table, route{r.Method, r.Path, guards, s.rooms.ui.Guard(r.Access)(r.Handler)})
	}
	return table
}

// publicHandler serves the table on the public side.
func (s *Server) publicHandler() http.Handler {
	e := newEcho()
	e.IPExtractor = clientAddress(s.cfg.BehindProxy, s.cfg.TrustedProxies)
	e.HTTPErrorHandler = s.answerError
	e.Use(s.recoverer(), inOrder(realAddress, requestID, securityHeaders(strings.HasPrefix(s.url, "https://"))))
	for _, r := range s.routes() {
		h := inOrder(r.guards...)(r.handler)
		if r.method == anyMethod {
			e.Any(r.path, h)
			continue
		}
		if r.method == http.MethodGet && s.rooms.ui.ForHead(r.path) {
			e.HEAD(r.path, h)
		}
		e.Add(r.method, r.path, h)
	}
	return e
}

// socketHandler serves the owner's commands. The socket itself is the guard:
// only the owner's user id gets a connection.
func (s *Server) socketHandler() http.Handler {
	e := newEcho()
	e.Use(s.recoverer())
	s.rooms.admin.Register(e)
	e.GET("/metrics", echo.WrapHandler(s.rooms.metrics.handler()))
	return e
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	return e
}

// recoverer turns a panic into a 500. What panicked may hold a secret, so the
// log gets the stack's place and not the value.
func (s *Server) recoverer() echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisablePrintStack: true,
		LogErrorFunc: func(c echo.Context, _ error, _ []byte) error {
			s.cfg.Log.Error("handler panicked", "route", c.Path(), "stack", string(debug.Stack()))
			return echo.ErrInternalServerError
		},
	})
}
