package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// ownApp is what an app may know of itself: what it is allowed, what is left
// of it and when that resets.
type ownApp struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Status      pairing.AppStatus `json:"status"`
	Session     pairing.Session   `json:"session"`
	Permissions []ownPermission   `json:"permissions"`
	Usage       ownUsage          `json:"usage"`
}

// ownPermission is a policy document with where each of its limits stands, and
// what was used since it was granted. Dollars are counted in nano-dollars.
type ownPermission struct {
	policy.Document
	Usage  []policy.LimitState `json:"usage"`
	Totals policy.Totals       `json:"totals"`
}

// api answers an app about itself.
type api struct {
	pairing   *pairing.Pairing
	ledger    *policy.Ledger
	history   *ownHistory
	publicURL string
}

// app answers GET /api/app for the app whose token and proof come with it. A
// suspended app and one of a frozen gateway may look too: that is how they
// learn it.
func (a *api) app(c echo.Context) error {
	request := c.Request()
	shown := proof(c, nil)
	shown.Method, shown.URL = request.Method, a.publicURL+request.URL.EscapedPath()
	caller, err := a.pairing.Authenticate(pairing.AuthRequest{
		Authorization: request.Header.Values(echo.HeaderAuthorization), Proof: shown,
	})
	if err != nil {
		return a.pairing.Unauthorized(err)
	}
	own := ownApp{
		ID: caller.App.ID, Name: caller.App.Name, Status: caller.App.Status, Session: caller.Session,
		Permissions: []ownPermission{},
	}
	for _, p := range a.pairing.Permissions(caller.App.ID) {
		usage := append([]policy.LimitState{}, a.ledger.Limits(p.ID, p.Document)...) // [] for none, not null
		own.Permissions = append(own.Permissions, ownPermission{Document: p.Document, Usage: usage, Totals: a.ledger.Totals(p.ID)})
	}
	if own.Usage, err = a.history.of(caller.App.ID); err != nil {
		return err
	}
	return answer(c, http.StatusOK, own)
}
