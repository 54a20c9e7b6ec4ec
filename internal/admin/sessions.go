package admin

import (
	"context"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// Sessions lists the live sessions of an app, or of all apps when name is
// empty, oldest first.
func (c *Client) Sessions(ctx context.Context, name string) (out []Session, err error) {
	path := "/sessions"
	if name != "" {
		path += "?" + url.Values{"app": {name}}.Encode()
	}
	return out, c.call(ctx, http.MethodGet, path, nil, &out)
}

// EndSession ends one session and cuts what it has running.
func (c *Client) EndSession(ctx context.Context, id string) (out Session, err error) {
	return out, c.call(ctx, http.MethodPost, "/sessions/"+url.PathEscape(id)+"/end", nil, &out)
}

func (a *Admin) listSessions(c echo.Context) error {
	apps := a.cfg.Pairing.Apps()
	if name := c.QueryParam("app"); name != "" {
		app, err := a.app(name)
		if err != nil {
			return err
		}
		apps = []pairing.App{app}
	}
	out := []Session{}
	for _, app := range apps {
		out = append(out, a.sessionsOf(app)...)
	}
	return answer(c, out)
}

func (a *Admin) sessionsOf(app pairing.App) []Session {
	var out []Session
	for _, s := range a.cfg.Pairing.Sessions(app.ID) {
		out = append(out, a.sessionOf(app, s))
	}
	return out
}

func (a *Admin) endSession(c echo.Context) error {
	session, err := a.cfg.Pairing.Session(c.Param("id"))
	if err != nil {
		return err
	}
	app, err := a.cfg.Pairing.App(session.AppID)
	if err != nil {
		return err
	}
	if err := a.cfg.Pairing.EndSession(session.ID); err != nil {
		return err
	}
	return answer(c, a.sessionOf(app, session))
}

func (a *Admin) sessionOf(app pairing.App, s pairing.Session) Session {
	return Session{
		ID: s.ID, AppID: app.ID, AppName: app.Name, Thumbprint: s.Thumbprint, Address: s.Address,
		CreatedAt: a.at(s.CreatedAt), LastUsedAt: a.at(s.LastUsedAt),
	}
}
