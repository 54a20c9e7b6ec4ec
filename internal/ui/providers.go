package ui

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/providers"
)

// showProviders is GET /providers.
func (u *UI) showProviders(c echo.Context) error {
	v := providersView{Frame: u.frame(c, "Providers", "keys", "/providers")}
	for _, e := range u.cfg.Providers.Entries() {
		row := providerRow{ID: e.Manifest.ID, Title: e.Manifest.Title, BaseURL: e.Manifest.BaseURL, From: origin(e), Own: e.Own}
		if row.Keys = "needs no key"; !e.Manifest.Credential.None {
			row.Keys = count(int64(u.keysFor(e.Manifest.ID)), "key")
		}
		v.Providers = append(v.Providers, row)
	}
	return render(c, http.StatusOK, providersPage(v))
}

// origin says where a provider's manifest comes from.
func origin(e providers.Entry) string {
	switch {
	case e.Replaces:
		return "you, in place of the gateway's"
	case e.Own:
		return "you"
	}
	return "the gateway"
}

func (u *UI) keysFor(resource string) int { return len(u.cfg.Vault.CredentialsFor(resource)) }

// providerLink leads to a provider, or to what follows: "/edit". Ids are of
// letters, digits and a few signs that mean nothing in an address.
func providerLink(id, what string) templ.SafeURL { return templ.SafeURL("/providers/" + id + what) }
