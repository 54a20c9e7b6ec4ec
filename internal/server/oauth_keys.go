package server

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// keys answers POST /oauth/keys: an app registers the key that its session
// changes over to.
func (o *oauth) keys(c echo.Context) error {
	body, err := readJSON(c)
	if err != nil {
		return err
	}
	var in struct {
		Proof string `json:"proof"`
	}
	if json.Unmarshal(body, &in, json.RejectUnknownMembers(true)) != nil {
		in.Proof = "" // refused as missing, once it is known who asks
	}
	err = o.pairing.AddKey(c.Request().Context(), pairing.KeyRequest{
		Auth:  pairing.AuthRequest{Authorization: c.Request().Header.Values(echo.HeaderAuthorization), Proof: proof(c, body)},
		Proof: in.Proof, Address: c.RealIP(),
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.NoContent(http.StatusNoContent)
}
