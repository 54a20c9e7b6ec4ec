package admin

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

func (a *Admin) listApps(c echo.Context) error {
	apps := a.cfg.Pairing.Apps()
	out := make([]App, 0, len(apps))
	for _, app := range apps {
		out = append(out, a.appOf(app))
	}
	return answer(c, out)
}

func (a *Admin) showApp(c echo.Context) error {
	app, err := a.app(c.Param("name"))
	if err != nil {
		return err
	}
	out := AppDetail{App: a.appOf(app), Thumbprint: app.Thumbprint}
	out.Terms = a.words(out.Permissions)
	for _, permission := range a.cfg.Pairing.Permissions(app.ID) {
		out.Usage = append(out.Usage, a.usage(permission)...)
		out.Totals = append(out.Totals, a.total(permission))
	}
	out.Sessions = a.sessionsOf(app)
	if out.Recent, err = a.recent(app.ID); err != nil {
		return err
	}
	return answer(c, out)
}

func (a *Admin) usage(permission pairing.Permission) []Usage {
	var out []Usage
	for _, state := range a.cfg.Ledger.Limits(permission.ID, permission.Document) {
		usage := Usage{
			Permission: permission.ID, Resource: permission.Document.Resource,
			Per: string(state.Per), Model: state.Model, Unit: string(state.Unit),
			Limit: state.Limit, Used: state.Used, Held: state.Held,
		}
		if !state.ResetsAt.IsZero() {
			usage.ResetsAt = new(time.Time)
			*usage.ResetsAt = a.at(state.ResetsAt)
		}
		out = append(out, usage)
	}
	return out
}

func (a *Admin) total(permission pairing.Permission) Total {
	sum := a.cfg.Ledger.Totals(permission.ID)
	return Total{
		Permission: permission.ID, Resource: permission.Document.Resource, Requests: sum.Requests,
		InputTokens: sum.InputTokens, CachedTokens: sum.CachedTokens, CacheWriteTokens: sum.CacheWriteTokens,
		OutputTokens: sum.OutputTokens, Cost: sum.Cost,
	}
}

// changeApp makes the handler of one change of an app's status.
func (a *Admin) changeApp(change func(id string) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		app, err := a.app(c.Param("name"))
		if err != nil {
			return err
		}
		if err := change(app.ID); err != nil {
			return err
		}
		if app, err = a.cfg.Pairing.App(app.ID); err != nil {
			return err
		}
		return answer(c, a.appOf(app))
	}
}

// app finds an app by id, or by name when only one app that is not revoked has
// it. Names are the apps' own choice, so an ambiguous one is refused.
func (a *Admin) app(name string) (pairing.App, error) {
	if app, err := a.cfg.Pairing.App(name); err == nil {
		return app, nil
	}
	var live, revoked []pairing.App
	for _, app := range a.cfg.Pairing.Apps() {
		switch {
		case app.Name != name:
		case app.Status == pairing.AppRevoked:
			revoked = append(revoked, app)
		default:
			live = append(live, app)
		}
	}
	found := live
	if len(live) == 0 {
		found = revoked
	}
	switch len(found) {
	case 0:
		return pairing.App{}, pairing.ErrNoApp
	case 1:
		return found[0], nil
	}
	return pairing.App{}, refuse(http.StatusConflict, CodeAmbiguous, "several apps call themselves %q; use the id from: gateway app list", name)
}

func (a *Admin) appOf(app pairing.App) App {
	out := App{
		ID: app.ID, Name: app.Name, URI: app.URI, Status: string(app.Status),
		Permissions: []policy.Document{}, CreatedAt: a.at(app.CreatedAt), LastUsedAt: a.at(app.LastUsedAt),
	}
	for _, permission := range a.cfg.Pairing.Permissions(app.ID) {
		out.Permissions = append(out.Permissions, permission.Document)
	}
	return out
}
