package admin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/plugins"
)

// Provider is one service the gateway can reach.
type Provider struct {
	providers.Entry
	// Opens is what apps can call, in the order of the manifest.
	Opens []plugins.Opening `json:"opens"`
	// Keys counts the stored keys.
	Keys int `json:"keys"`
	// Gains are the apps that adding it lets do more than before, with what; only
	// where it is added, or would be.
	Gains []pairing.Reach `json:"gains,omitzero"`
}

// ProviderInput adds a provider.
type ProviderInput struct {
	Manifest     string `json:"manifest"`      // its text
	Replace      bool   `json:"replace"`       // take the place of one with the same id
	AllowPrivate bool   `json:"allow_private"` // it may reach private addresses
	DryRun       bool   `json:"dry_run"`       // only say what it would open
}

// ProviderGone is a provider that was removed.
type ProviderGone struct {
	// Gains are the apps that may do more by the provider that got its place back,
	// with what.
	Gains []pairing.Reach `json:"gains,omitzero"`
}

// ManifestText is a manifest as it can be added again.
type ManifestText struct {
	Text string `json:"text"`
}

func (a *Admin) listProviders(c echo.Context) error {
	out := []Provider{}
	for _, e := range a.cfg.Providers.Entries() {
		out = append(out, a.providerOf(e))
	}
	return answer(c, out)
}

func (a *Admin) showProvider(c echo.Context) error {
	e, err := a.cfg.Providers.Entry(c.Param("id"))
	if err != nil {
		return err
	}
	return answer(c, a.providerOf(e))
}

// addProvider records what can be added before it is: what the log could not
// take is not reachable.
func (a *Admin) addProvider(c echo.Context) error {
	in, err := decode[ProviderInput](c)
	if err != nil {
		return err
	}
	m, err := a.cfg.Providers.Read([]byte(in.Manifest))
	if err != nil {
		return err
	}
	gains := a.cfg.Pairing.Reaching(m.ID, a.cfg.Providers.Gains(m))
	entry, consent := providers.Entry{Manifest: m, Own: true}, providers.Consent{Replace: in.Replace, Private: in.AllowPrivate}
	if !in.DryRun {
		if err := a.cfg.Providers.May(m, consent); err != nil {
			return err
		}
		if err := a.record(audit.Event{Kind: audit.ProviderAdded, Resource: m.ID, Detail: m.BaseURL}); err != nil {
			return err
		}
		entry, err = a.cfg.Providers.Add([]byte(in.Manifest), consent)
		if err != nil {
			return err
		}
	}
	out := a.providerOf(entry)
	out.Gains = gains
	return answer(c, out)
}

func (a *Admin) exportProvider(c echo.Context) error {
	text, err := a.cfg.Providers.Text(c.Param("id"))
	if err != nil {
		return err
	}
	return answer(c, ManifestText{Text: string(text)})
}

func (a *Admin) removeProvider(c echo.Context) error {
	id := c.Param("id")
	gains := a.cfg.Pairing.Reaching(id, a.cfg.Providers.GainsWithout(id))
	if err := a.cfg.Providers.Remove(id); err != nil {
		return err
	}
	if err := a.record(audit.Event{Kind: audit.ProviderRemoved, Resource: id}); err != nil {
		return err
	}
	return answer(c, ProviderGone{Gains: gains})
}

func (a *Admin) providerOf(e providers.Entry) Provider {
	return Provider{Entry: e, Opens: plugins.Opens(e.Manifest), Keys: len(a.cfg.Vault.CredentialsFor(e.Manifest.ID))}
}

// AliasInput names a model.
type AliasInput struct {
	Name    string   `json:"name"`
	Targets []string `json:"targets"` // provider/model, in the order of trying
}

func (a *Admin) listAliases(c echo.Context) error {
	out := []AliasInput{}
	for _, alias := range a.cfg.Providers.Aliases() {
		out = append(out, aliasOf(alias))
	}
	return answer(c, out)
}

func aliasOf(alias providers.Alias) AliasInput {
	out := AliasInput{Name: alias.Name}
	for _, t := range alias.Targets {
		out.Targets = append(out.Targets, t.String())
	}
	return out
}

func (a *Admin) setAlias(c echo.Context) error {
	in, err := decode[AliasInput](c)
	if err != nil {
		return err
	}
	alias := providers.Alias{Name: in.Name}
	for _, text := range in.Targets {
		target, err := providers.ParseTarget(text)
		if err != nil {
			return err
		}
		alias.Targets = append(alias.Targets, target)
	}
	if err := a.cfg.Providers.SetAlias(alias); err != nil {
		return err
	}
	if err := a.record(audit.Event{Kind: audit.AliasSet, Model: in.Name, Detail: alias.Words()}); err != nil {
		return err
	}
	return answer(c, aliasOf(alias))
}

func (a *Admin) removeAlias(c echo.Context) error {
	name := c.Param("name")
	switch err := a.cfg.Providers.RemoveAlias(name); err {
	case nil:
	case providers.ErrUnknown:
		return refuse(http.StatusNotFound, CodeNoAlias, "no such alias; see: gateway alias list")
	default:
		return err
	}
	if err := a.record(audit.Event{Kind: audit.AliasRemoved, Model: name}); err != nil {
		return err
	}
	return done(c)
}
