package server

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// oauth binds the OAuth endpoints to HTTP: it reads requests strictly, calls
// one method of pairing and writes the answer. Rules live in pairing; its
// *pairing.OAuthError is returned, and answered where all errors are.
type oauth struct {
	pairing *pairing.Pairing
	// errorPage shows an error to a person.
	errorPage func(echo.Context, error) error
}

// metadata answers GET /.well-known/oauth-authorization-server and GET
// /.well-known/openid-configuration (RFC 8414).
func (o *oauth) metadata(c echo.Context) error {
	return answer(c, http.StatusOK, o.pairing.Metadata())
}

// resourceMetadata answers GET /.well-known/oauth-protected-resource (RFC 9728).
func (o *oauth) resourceMetadata(c echo.Context) error {
	return answer(c, http.StatusOK, o.pairing.ResourceMetadata())
}

// jwks answers GET /oauth/jwks (RFC 7517).
func (o *oauth) jwks(c echo.Context) error {
	return answerBytes(c, http.StatusOK, o.pairing.JWKS())
}

// register answers POST /oauth/register (RFC 7591).
func (o *oauth) register(c echo.Context) error {
	body, err := readJSON(c)
	if err != nil {
		return err
	}
	registration, err := o.pairing.Redeem(c.Request().Context(), pairing.RedeemRequest{
		Authorization: c.Request().Header.Values(echo.HeaderAuthorization),
		Proof:         proof(c, body),
		Metadata:      body,
		Address:       c.RealIP(),
	})
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, registration)
}

// device answers POST /oauth/device (RFC 8628).
func (o *oauth) device(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	response, err := o.pairing.AskDevice(c.Request().Context(), pairing.DeviceRequest{
		ClientID:             f.value("client_id"),
		AuthorizationDetails: f.value("authorization_details"),
		Scope:                f.value("scope"),
		DPoPJKT:              f.value("dpop_jkt"),
		Proof:                proof(c, f.body),
		Address:              c.RealIP(),
	})
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, response)
}

// token answers POST /oauth/token (RFC 6749, RFC 8628, RFC 9449).
func (o *oauth) token(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	response, err := o.pairing.Token(c.Request().Context(), pairing.TokenRequest{
		GrantType:    f.value("grant_type"),
		ClientID:     f.value("client_id"),
		DeviceCode:   f.value("device_code"),
		Code:         f.value("code"),
		RedirectURI:  f.value("redirect_uri"),
		CodeVerifier: f.value("code_verifier"),
		RefreshToken: f.value("refresh_token"),
		Scope:        f.value("scope"),
		Proof:        proof(c, f.body),
		Address:      c.RealIP(),
	})
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, response)
}

// revoke answers POST /oauth/revoke (RFC 7009).
func (o *oauth) revoke(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	err = o.pairing.RevokeToken(c.Request().Context(), pairing.RevokeRequest{
		ClientID: f.value("client_id"),
		Token:    f.value("token"),
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.NoContent(http.StatusOK)
}

// proof hands on the DPoP header and the body it may be bound to.
func proof(c echo.Context, body []byte) dpop.Request {
	return dpop.Request{
		Headers: c.Request().Header.Values("DPoP"),
		BodySum: func() ([sha256.Size]byte, error) { return sha256.Sum256(body), nil },
	}
}

// writeOAuthError writes an error answer (RFC 6749 section 5.2).
func writeOAuthError(c echo.Context, e *pairing.OAuthError) error {
	h := c.Response().Header()
	if e.Challenge != "" {
		h.Set(echo.HeaderWWWAuthenticate, e.Challenge)
	}
	if e.RetryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.FormatInt(int64(e.RetryAfter/time.Second), 10))
	}
	return answer(c, e.Status, map[string]string{"error": e.Code, "error_description": e.Description})
}

func answer(c echo.Context, status int, body any) error {
	raw, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return err
	}
	return answerBytes(c, status, raw)
}

func answerBytes(c echo.Context, status int, raw []byte) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store") // RFC 6749 section 5.1
	return c.Blob(status, echo.MIMEApplicationJSON, raw)
}
