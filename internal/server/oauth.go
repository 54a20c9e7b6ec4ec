package server

import (
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// oauth binds the OAuth endpoints to HTTP: it reads requests strictly, calls
// one method of pairing and writes the answer. Rules live in pairing.
type oauth struct{ pairing *pairing.Pairing }

func newOAuth(p *pairing.Pairing) *oauth { return &oauth{pairing: p} }

// metadata answers GET /.well-known/oauth-authorization-server and GET
// /.well-known/openid-configuration (RFC 8414).
func (o *oauth) metadata(c echo.Context) error { return echo.ErrNotFound }

// resourceMetadata answers GET /.well-known/oauth-protected-resource (RFC 9728).
func (o *oauth) resourceMetadata(c echo.Context) error { return echo.ErrNotFound }

// jwks answers GET /oauth/jwks (RFC 7517).
func (o *oauth) jwks(c echo.Context) error { return echo.ErrNotFound }

// register answers POST /oauth/register (RFC 7591).
func (o *oauth) register(c echo.Context) error { return echo.ErrNotFound }

// device answers POST /oauth/device (RFC 8628).
func (o *oauth) device(c echo.Context) error { return echo.ErrNotFound }

// token answers POST /oauth/token (RFC 6749, RFC 8628, RFC 9449).
func (o *oauth) token(c echo.Context) error { return echo.ErrNotFound }

// revoke answers POST /oauth/revoke (RFC 7009).
func (o *oauth) revoke(c echo.Context) error { return echo.ErrNotFound }
