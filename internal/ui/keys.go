package ui

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/vault"
)

// showKeys is GET /keys.
func (u *UI) showKeys(c echo.Context) error {
	return u.keysPage(c, http.StatusOK, keysView{})
}

// addKey is POST /keys. The secret is not in the view: a form that is shown
// again asks for it again. A key that cannot be recorded is taken out again.
func (u *UI) addKey(c echo.Context) error {
	v := keysView{
		Label: posted(c, "label"), BaseURL: posted(c, "base_url"), AllowPrivate: posted(c, "allow_private") != "",
		Headers: posted(c, "headers"), Rank: posted(c, "rank"), Weight: posted(c, "weight"),
	}
	resource := posted(c, "resource")
	key, err := u.storeKey(v, resource, posted(c, "secret"))
	if problem, refused := keyProblem(err); refused {
		v.Choices, v.Problem = u.keyChoices(resource), problem
		return u.keysPage(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	if err := u.recordKey(c, audit.KeyAdded, key, ""); err != nil {
		if undo := u.cfg.Vault.RemoveCredential(key.ID); undo != nil {
			return undo
		}
		return err
	}
	return u.done(c, saidKeyAdded, "/keys")
}

// storeKey reads the rest of the form. Errors: those of vault.AddCredential.
func (u *UI) storeKey(v keysView, resource, typed string) (vault.Credential, error) {
	secret := vault.NewSecret([]byte(typed))
	defer secret.Zero()
	headers, err := headersOf(v.Headers)
	if err != nil {
		return vault.Credential{}, err
	}
	order, err := arrangementOf(v.Rank, v.Weight)
	if err != nil {
		return vault.Credential{}, err
	}
	return u.cfg.Vault.AddCredential(vault.NewCredential{
		Resource: resource, Label: v.Label, BaseURL: v.BaseURL, Home: u.home(resource), AllowPrivate: v.AllowPrivate,
		Headers: headers, Arrangement: order, Secret: secret,
	})
}

// headersOf reads headers, one on each line. Error: *vault.CredentialError.
func headersOf(typed string) (map[string]string, error) {
	headers := map[string]string{}
	for line := range strings.Lines(typed) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if _, twice := headers[name]; !ok || twice {
			return nil, &vault.CredentialError{Field: "headers", Problem: "each line is Name: value, and each name is there once"}
		}
		headers[name] = strings.TrimSpace(value)
	}
	return headers, nil
}

// keyProblem says in words what is wrong with a form.
func keyProblem(err error) (string, bool) {
	if wrong, ok := errors.AsType[*vault.CredentialError](err); ok {
		field := map[string]string{"secret": "Key", "resource": "Provider", "label": "Label", "base URL": "Base URL", "headers": "Headers", "rank": "Rank", "weight": "Weight"}[wrong.Field]
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
	v.Groups = u.keyGroups(keys)
	v.Frame = u.frame(c, "Keys", "keys", "/keys")
	if v.Choices == nil {
		v.Choices = u.keyChoices("")
	}
	return render(c, status, keysPage(v))
}

// keyGroups lists the keys by provider, each group in the order of trying.
func (u *UI) keyGroups(keys []vault.Credential) (groups []keyGroup) {
	health := u.cfg.KeyHealth()
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(u.tests, func(id string, _ keyTest) bool { // of keys removed elsewhere
		return !slices.ContainsFunc(keys, func(key vault.Credential) bool { return key.ID == id })
	})
	for _, resource := range resourcesOf(keys) {
		g := keyGroup{Title: u.title(resource), Resource: resource}
		if _, known := u.cfg.Providers.Lookup(resource); known {
			g.Href = "/providers/" + resource
		}
		for _, key := range u.cfg.Vault.CredentialsFor(resource) {
			g.Keys = append(g.Keys, keyRow{
				ID: key.ID, Label: key.Label, Title: g.Title, BaseURL: key.BaseURL, AllowPrivate: key.AllowPrivate,
				Headers: headerLines(key.Headers), Rank: key.Rank, Weight: key.Share(), Draining: key.Draining,
				Health: u.healthOf(key, health), Added: u.at(key.CreatedAt), Tested: u.tests[key.ID],
			})
		}
		groups = append(groups, g)
	}
	return groups
}

// resourcesOf lists what keys are for, once each.
func resourcesOf(keys []vault.Credential) (all []string) {
	for _, key := range keys {
		if !slices.Contains(all, key.Resource) {
			all = append(all, key.Resource)
		}
	}
	return all
}

// keyChoices lists what keys can be for: providers that need one.
func (u *UI) keyChoices(chosen string) []choice {
	return slices.DeleteFunc(u.resourceChoices(chosen), func(c choice) bool {
		e, err := u.cfg.Providers.Entry(c.Value)
		return err == nil && e.Manifest.Credential.None
	})
}

// resourceChoices lists what permissions can be for.
func (u *UI) resourceChoices(chosen string) []choice {
	var all []choice
	for _, r := range u.cfg.Pairing.Resources() {
		all = append(all, choice{Value: r.ID, Label: r.Title, Chosen: r.ID == chosen})
	}
	return all
}

func (u *UI) resourceIDs() []string {
	var all []string
	for _, r := range u.cfg.Pairing.Resources() {
		all = append(all, r.ID)
	}
	return all
}

// home is a provider's own address, which a key without a base URL is for.
func (u *UI) home(resource string) string {
	e, err := u.cfg.Providers.Entry(resource)
	if err != nil {
		return ""
	}
	return e.Manifest.BaseURL
}
