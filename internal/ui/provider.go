package ui

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/plugins"
)

// showProvider is GET /providers/:id.
func (u *UI) showProvider(c echo.Context) error {
	e, err := u.cfg.Providers.Entry(c.Param("id"))
	if err != nil {
		return err
	}
	id := e.Manifest.ID
	return render(c, http.StatusOK, providerPage(providerView{
		Frame: u.frame(c, e.Manifest.Title, "keys", "/providers/"+id),
		ID:    id, Title: e.Manifest.Title, From: origin(e), Own: e.Own, Replaces: e.Replaces, Added: u.at(e.AddedAt),
		Manifest: u.manifestView(e.Manifest), Gains: u.whoGains(id, u.cfg.Providers.GainsWithout(id)),
	}))
}

// manifestView puts a manifest into words.
func (u *UI) manifestView(m plugins.Manifest) manifestView {
	v := manifestView{
		BaseURL: m.BaseURL, Dialect: m.Dialect, Stored: u.keysFor(m.ID), Pass: m.PassHeaders,
		Private: m.AllowPrivate, Docs: m.Docs,
	}
	if !m.Credential.None {
		v.Key = m.Credential.Header + ": " + m.Credential.Prefix + "…"
	}
	v.Headers = headerLines(m.Headers)
	for _, o := range plugins.Opens(m) {
		v.Opens = append(v.Opens, openingRow{o.Action, o.Method, o.Path, o.Upstream, strings.Join(o.Query, ", ")})
	}
	return v
}

// headerLines writes headers as a person would, one on each line, by name.
func headerLines(headers map[string]string) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lines = append(lines, name+": "+headers[name])
	}
	return lines
}

// exportManifest is GET /providers/:id/manifest: a file that can be added
// again, here or at another gateway.
func (u *UI) exportManifest(c echo.Context) error {
	id := c.Param("id")
	text, err := u.cfg.Providers.Text(id)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+strings.ReplaceAll(id, ":", "-")+`.json"`)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, text)
}

// removeProvider is POST /providers/:id/remove.
func (u *UI) removeProvider(c echo.Context) error {
	id := c.Param("id")
	if err := u.cfg.Providers.Remove(id); err != nil {
		return err
	}
	if err := u.record(audit.Event{Kind: audit.ProviderRemoved, Resource: id, Address: c.RealIP()}); err != nil {
		return notRecorded(err)
	}
	return u.done(c, saidProviderGone, "/providers")
}
