package admin

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/vault"
)

func (a *Admin) listKeys(c echo.Context) error {
	stored, err := a.cfg.Vault.Credentials()
	if err != nil {
		return err
	}
	out := make([]Key, 0, len(stored))
	for _, credential := range stored {
		out = append(out, a.keyOf(credential))
	}
	return answer(c, out)
}

// addKey takes the key out again when that it was added cannot be recorded.
func (a *Admin) addKey(c echo.Context) error {
	in, err := decode[KeyInput](c)
	if err != nil {
		return err
	}
	if err := a.knownResource(in.Resource); err != nil {
		return err
	}
	entry, err := a.cfg.Providers.Entry(in.Resource)
	if err != nil {
		return err
	}
	if entry.Manifest.Credential.None {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "%s has no keys, so there is none to add: grant it to an app and it works; to have it elsewhere, see: gateway provider show %s", in.Resource, in.Resource)
	}
	secret := vault.NewSecret([]byte(in.Secret))
	defer secret.Zero()
	added, err := a.cfg.Vault.AddCredential(vault.NewCredential{
		Resource: in.Resource, Label: in.Label, BaseURL: in.BaseURL, Secret: secret,
		Home: entry.Manifest.BaseURL, Headers: in.Headers, AllowPrivate: in.AllowPrivate, Arrangement: vault.Arrangement{Rank: in.Rank, Weight: in.Weight},
	})
	if err != nil {
		return err
	}
	if err := a.recordKey(audit.KeyAdded, added, ""); err != nil {
		if undo := a.cfg.Vault.RemoveCredential(added.ID); undo != nil {
			return undo
		}
		return err
	}
	return answer(c, a.keyOf(added))
}

// knownResource refuses a key that no provider would ever use, most likely a
// misspelt one.
func (a *Admin) knownResource(id string) error {
	var known []string
	for _, resource := range a.cfg.Pairing.Resources() {
		if resource.ID == id {
			return nil
		}
		known = append(known, resource.ID)
	}
	return refuse(http.StatusUnprocessableEntity, CodeUnknownResource, "there is no provider %q; this gateway knows: %s", id, strings.Join(known, ", "))
}

func (a *Admin) testKey(c echo.Context) error {
	credential, err := a.key(c.Param("name"))
	if err != nil {
		return err
	}
	if a.cfg.Vault.Locked() {
		return vault.ErrLocked
	}
	report, err := a.cfg.TestKey(c.Request().Context(), credential.ID)
	if err != nil {
		return err
	}
	if err := a.recordKey(audit.KeyTested, credential, report.Words); err != nil {
		return err
	}
	return answer(c, KeyTest{Key: a.keyOf(credential), KeyReport: report})
}

func (a *Admin) showKey(c echo.Context) error {
	credential, err := a.key(c.Param("name"))
	if err != nil {
		return err
	}
	return answer(c, a.keyOf(credential))
}

// arrangeKey changes when a key is used.
func (a *Admin) arrangeKey(c echo.Context) error {
	in, err := decode[Arrangement](c)
	if err != nil {
		return err
	}
	credential, err := a.key(c.Param("name"))
	if err != nil {
		return err
	}
	credential, err = a.cfg.Vault.Arrange(credential.ID, in)
	if err != nil {
		return err
	}
	if err := a.recordKey(audit.KeyArranged, credential, credential.Words()); err != nil {
		return err
	}
	return answer(c, a.keyOf(credential))
}

func (a *Admin) removeKey(c echo.Context) error {
	credential, err := a.key(c.Param("name"))
	if err != nil {
		return err
	}
	if err := a.cfg.Vault.RemoveCredential(credential.ID); err != nil {
		return err
	}
	if err := a.recordKey(audit.KeyRemoved, credential, ""); err != nil {
		return err
	}
	return answer(c, a.keyOf(credential))
}

// key finds a stored key by id, or by label or resource when only one has it.
func (a *Admin) key(name string) (vault.Credential, error) {
	stored, err := a.cfg.Vault.Credentials()
	if err != nil {
		return vault.Credential{}, err
	}
	var found []vault.Credential
	for _, credential := range stored {
		switch name {
		case credential.ID:
			return credential, nil
		case credential.Label, credential.Resource:
			found = append(found, credential)
		}
	}
	switch len(found) {
	case 0:
		return vault.Credential{}, vault.ErrNoCredential
	case 1:
		return found[0], nil
	}
	return vault.Credential{}, vault.ErrAmbiguous
}

func (a *Admin) recordKey(kind audit.Kind, credential vault.Credential, words string) error {
	detail := credential.ID + " (" + credential.Label + ")"
	if words != "" {
		detail += ": " + words
	}
	return a.record(audit.Event{Kind: kind, Resource: credential.Resource, Detail: detail})
}

func (a *Admin) keyOf(c vault.Credential) Key {
	health := vault.Health{State: "ok"}
	if a.cfg.KeyHealth != nil {
		if known, used := a.cfg.KeyHealth()[c.ID]; used {
			health = known
		}
	}
	return Key{
		Health: health,
		ID:     c.ID, Resource: c.Resource, Label: c.Label, BaseURL: c.BaseURL, CreatedAt: a.at(c.CreatedAt),
		Headers: c.Headers, AllowPrivate: c.AllowPrivate, Arrangement: c.Arrangement,
	}
}
