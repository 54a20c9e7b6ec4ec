package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/providers"
)

// errNoName says that no model has this name.
var errNoName = errors.New("no model has this name")

// showNames is GET /names?name=…, with the name that is to be changed.
func (u *UI) showNames(c echo.Context) error {
	v := namesView{}
	if a, ok := u.cfg.Providers.Alias(c.QueryParam("name")); ok {
		v.Name, v.Targets = a.Name, strings.Join(targetLines(a), "\n")
	}
	return u.namesPage(c, http.StatusOK, v)
}

func targetLines(a providers.Alias) []string {
	var lines []string
	for _, t := range a.Targets {
		lines = append(lines, t.String())
	}
	return lines
}

// nameLink leads to the form, filled in with a name that is there.
func nameLink(name string) templ.SafeURL {
	return templ.SafeURL("/names?" + url.Values{"name": {name}}.Encode() + "#set")
}

// setName is POST /names.
func (u *UI) setName(c echo.Context) error {
	v := namesView{Name: posted(c, "name"), Targets: posted(c, "targets")}
	alias, err := aliasOf(v)
	if err == nil {
		err = u.cfg.Providers.SetAlias(alias)
	}
	if errors.Is(err, providers.ErrAlias) {
		v.Problem = "Not set: " + strings.TrimPrefix(err.Error(), providers.ErrAlias.Error()+": ") + "."
		return u.namesPage(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	event := audit.Event{Kind: audit.AliasSet, Model: alias.Name, Detail: alias.Words(), Address: c.RealIP()}
	if err := u.record(event); err != nil {
		return notRecorded(err)
	}
	return u.done(c, saidNameSet, "/names")
}

// aliasOf reads the form. Error: providers.ErrAlias.
func aliasOf(v namesView) (providers.Alias, error) {
	a := providers.Alias{Name: strings.TrimSpace(v.Name)}
	for line := range strings.Lines(v.Targets) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		target, err := providers.ParseTarget(line)
		if err != nil {
			return a, err
		}
		a.Targets = append(a.Targets, target)
	}
	return a, nil
}

// removeName is POST /names/remove. The name is in the form: it may hold what
// means something in an address.
func (u *UI) removeName(c echo.Context) error {
	name := posted(c, "name")
	err := u.cfg.Providers.RemoveAlias(name)
	if errors.Is(err, providers.ErrUnknown) {
		return errNoName
	}
	if err != nil {
		return err
	}
	if err := u.record(audit.Event{Kind: audit.AliasRemoved, Model: name, Address: c.RealIP()}); err != nil {
		return notRecorded(err)
	}
	return u.done(c, saidNameGone, "/names")
}

func (u *UI) namesPage(c echo.Context, status int, v namesView) error {
	for _, a := range u.cfg.Providers.Aliases() {
		row := nameRow{Name: a.Name}
		for _, t := range a.Targets {
			_, known := u.cfg.Providers.Lookup(t.Resource)
			row.Targets = append(row.Targets, targetRow{Model: t.String(), Gone: !known})
		}
		v.Names = append(v.Names, row)
	}
	v.Frame = u.frame(c, "Names for models", "keys", "/names")
	return render(c, status, namesPage(v))
}
