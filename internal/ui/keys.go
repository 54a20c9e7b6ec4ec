package ui

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/vault"
)

// showKeys is GET /keys.
func (u *UI) showKeys(c echo.Context) error {
	return u.keysPage(c, http.StatusOK, keysView{})
}

// addKey is POST /keys. The secret is not in the view: a form that is shown
// again asks for it again.
func (u *UI) addKey(c echo.Context) error {
	v := keysView{Label: posted(c, "label"), BaseURL: posted(c, "base_url"), AllowPrivate: posted(c, "allow_private") != ""}
	resource := posted(c, "resource")
	secret := vault.NewSecret([]byte(posted(c, "secret")))
	defer secret.Zero()
	key, err := u.cfg.Vault.AddCredential(vault.NewCredential{
		Resource: resource, Label: v.Label, BaseURL: v.BaseURL, AllowPrivate: v.AllowPrivate, Secret: secret,
	})
	if problem, refused := keyProblem(err); refused {
		v.Choices, v.Problem = u.resourceChoices(resource), problem
		return u.keysPage(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	if err := u.recordKey(c, audit.KeyAdded, key, ""); err != nil {
		return err
	}
	return u.done(c, saidKeyAdded, "/keys")
}

// keyProblem says in words what is wrong with a form.
func keyProblem(err error) (string, bool) {
	if wrong, ok := errors.AsType[*vault.CredentialError](err); ok {
		field := map[string]string{"secret": "Key", "resource": "Provider", "label": "Label", "base URL": "Base URL"}[wrong.Field]
		return "Not stored. " + field + ": " + wrong.Problem + ".", true
	}
	switch {
	case errors.Is(err, vault.ErrCredentialExists):
		return "Not stored: a key with this provider and label is there already. Choose another label.", true
	case errors.Is(err, vault.ErrTooMany):
		return "Not stored: the vault is full. Remove what is no longer used.", true
	}
	return "", false
}

// testKey is POST /keys/:id/test. What came back is kept and shown with the
// key.
func (u *UI) testKey(c echo.Context) error {
	key, err := u.key(c)
	if err != nil {
		return err
	}
	report, err := u.cfg.TestKey(c.Request().Context(), key.ID)
	if err != nil {
		return err
	}
	u.mu.Lock()
	u.tests[key.ID] = keyTest{Words: report.Words, OK: report.OK, At: u.at(u.cfg.Clock())}
	u.mu.Unlock()
	if err := u.recordKey(c, audit.KeyTested, key, report.Words); err != nil {
		return err
	}
	return u.done(c, "", "/keys")
}

// removeKey is POST /keys/:id/remove.
func (u *UI) removeKey(c echo.Context) error {
	key, err := u.key(c)
	if err != nil {
		return err
	}
	if err := u.cfg.Vault.RemoveCredential(key.ID); err != nil {
		return err
	}
	if err := u.recordKey(c, audit.KeyRemoved, key, ""); err != nil {
		return err
	}
	return u.done(c, saidKeyGone, "/keys")
}

// key is the stored key that the address names, by its id only.
func (u *UI) key(c echo.Context) (vault.Credential, error) {
	keys, err := u.cfg.Vault.Credentials()
	if err != nil {
		return vault.Credential{}, err
	}
	for _, key := range keys {
		if key.ID == c.Param("id") {
			return key, nil
		}
	}
	return vault.Credential{}, vault.ErrNoCredential
}

func (u *UI) recordKey(c echo.Context, kind audit.Kind, key vault.Credential, words string) error {
	detail := key.ID + " (" + key.Label + ")"
	if words != "" {
		detail += ": " + words
	}
	return u.record(audit.Event{Kind: kind, Resource: key.Resource, Detail: detail, Address: c.RealIP()})
}

func (u *UI) keysPage(c echo.Context, status int, v keysView) error {
	keys, err := u.cfg.Vault.Credentials()
	if err != nil {
		return err
	}
	u.mu.Lock()
	maps.DeleteFunc(u.tests, func(id string, _ keyTest) bool { // of keys removed elsewhere
		return !slices.ContainsFunc(keys, func(key vault.Credential) bool { return key.ID == id })
	})
	for _, key := range keys {
		v.Keys = append(v.Keys, keyRow{
			ID: key.ID, Label: key.Label, Resource: key.Resource, Title: u.title(key.Resource),
			BaseURL: key.BaseURL, AllowPrivate: key.AllowPrivate, Added: u.at(key.CreatedAt), Tested: u.tests[key.ID],
		})
	}
	u.mu.Unlock()
	v.Frame = u.frame(c, "Keys", "keys", "/keys")
	if v.Choices == nil {
		v.Choices = u.resourceChoices("")
	}
	return render(c, status, keysPage(v))
}

// resourceChoices lists what keys and permissions can be for.
func (u *UI) resourceChoices(chosen string) []choice {
	var all []choice
	for _, r := range u.cfg.Pairing.Resources() {
		all = append(all, choice{Value: r.ID, Label: r.Title, Chosen: r.ID == chosen})
	}
	return all
}
