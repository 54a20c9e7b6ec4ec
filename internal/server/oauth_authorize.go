package server

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// push answers POST /oauth/par (RFC 9126).
func (o *oauth) push(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	response, err := o.pairing.Push(c.Request().Context(), pairing.PushRequest{
		ClientID:             f.value("client_id"),
		ResponseType:         f.value("response_type"),
		ResponseMode:         f.value("response_mode"),
		RedirectURI:          f.value("redirect_uri"),
		State:                f.value("state"),
		CodeChallenge:        f.value("code_challenge"),
		CodeChallengeMethod:  f.value("code_challenge_method"),
		AuthorizationDetails: f.value("authorization_details"),
		Scope:                f.value("scope"),
		DPoPJKT:              f.value("dpop_jkt"),
		Request:              f.value("request"),
		RequestURI:           f.value("request_uri"),
		Proof:                proof(c, f.body),
		Address:              c.RealIP(),
	})
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, response)
}

// authorize answers GET /oauth/authorize (RFC 6749 section 4.1.1): it leads a
// browser to the page on which the owner decides. What is wrong with a request
// is shown here and sent nowhere: only a pushed request has a redirect URI
// that has been checked.
func (o *oauth) authorize(c echo.Context) error {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil || len(query["client_id"]) != 1 || len(query["request_uri"]) != 1 {
		return o.errorPage(c, pairing.ErrNoPushed)
	}
	opened, err := o.pairing.Open(c.Request().Context(), pairing.AuthorizeRequest{
		ClientID: query.Get("client_id"), RequestURI: query.Get("request_uri"),
	})
	if err != nil {
		return o.errorPage(c, err)
	}
	to := opened.Redirect
	if to == "" {
		to = "/requests/" + url.PathEscape(opened.RequestID)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.Redirect(http.StatusSeeOther, to) // 303: RFC 9700 section 4.12
}
