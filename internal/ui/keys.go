package ui

import (
	"errors"
	"net/http"

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
	v := keysView{Label: posted(c, "label"), BaseURL: posted(c, "base_url")}
	resource := posted(c, "resource")
	secret := vault.NewSecret([]byte(posted(c, "secret")))
	defer secret.Zero()
	key, err := u.cfg.Vault.AddCredential(vault.NewCredential{
		Resource: resource, Label: v.Label, BaseURL: v.BaseURL, Secret: secret,
	})
	if problem, refused := keyProblem(err); refused {
		v.Choices, v.Problem = u.resourceChoices(resource), problem
		return u.keysPage(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	if err := u.record(audit.Event{Kind: audit.KeyAdded, Resource: key.Resource, Detail: key.Label + "; console", Address: c.RealIP()}); err != nil {
		return err
	}
	return u.done(c, saidKeyAdded, "/keys")
}

// keyProblem says in words what is wrong with a form.
func keyProblem(err error) (string, bool) {
	if wrong, ok := errors.AsType[*vault.CredentialError](err); ok {
		return "Not stored. The " + wrong.Error() + ".", true
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
	id := c.Param("id")
	report, err := u.cfg.TestKey(c.Request().Context(), id)
	if err != nil {
		return err
	}
	u.mu.Lock()
	u.tests[id] = keyTest{Words: report.Words, OK: report.OK, At: u.at(u.cfg.Clock())}
	u.mu.Unlock()
	return u.done(c, "", "/keys")
}

// removeKey is POST /keys/:id/remove.
func (u *UI) removeKey(c echo.Context) error {
	id := c.Param("id")
	keys, err := u.cfg.Vault.Credentials()
	if err != nil {
		return err
	}
	if err := u.cfg.Vault.RemoveCredential(id); err != nil {
		return err
	}
	u.mu.Lock()
	delete(u.tests, id)
	u.mu.Unlock()
	event := audit.Event{Kind: audit.KeyRemoved, Address: c.RealIP()}
	for _, key := range keys {
		if key.ID == id {
			event.Resource, event.Detail = key.Resource, key.Label+"; console"
		}
	}
	if err := u.record(event); err != nil {
		return err
	}
	return u.done(c, saidKeyGone, "/keys")
}

func (u *UI) keysPage(c echo.Context, status int, v keysView) error {
	keys, err := u.cfg.Vault.Credentials()
	if err != nil {
		return err
	}
	u.mu.Lock()
	for _, key := range keys {
		v.Keys = append(v.Keys, keyRow{
			ID: key.ID, Label: key.Label, Resource: key.Resource, Title: u.title(key.Resource),
			BaseURL: key.BaseURL, Added: u.at(key.CreatedAt), Tested: u.tests[key.ID],
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
	for _, r := range u.cfg.Resources {
		all = append(all, choice{Value: r.ID, Label: r.Title, Chosen: r.ID == chosen})
	}
	return all
}
