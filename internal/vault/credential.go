package vault

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keywicket/keywicket/internal/store"
)

const (
	maxCredentials  = 1000
	maxSecret       = 8 << 10
	maxLabel        = 64
	maxResource     = 64
	credentialIDTag = "key_"
)

var (
	credentialRecords = store.NewCollection[credentialRecord]("vault-credentials")
	resourcePattern   = regexp.MustCompile(`^[a-z][a-z0-9-]*:[a-z0-9][a-z0-9._-]*$`)
)

// Credential describes a provider key, without it.
type Credential struct {
	ID       string `json:"id"`
	Resource string `json:"resource"`
	Label    string `json:"label"`
	// BaseURL is where the key may be sent; empty is the provider's own.
	BaseURL string `json:"base_url"`
	// Home is the provider's own address as it was when the key was stored
	// without a base URL. The key goes nowhere else: whoever can change where a
	// provider is has not been given its key.
	Home string `json:"home,omitzero"`
	// Headers go with the key, such as OpenAI-Organization: they choose who
	// pays. Which names a provider takes is its manifest's business.
	Headers map[string]string `json:"headers,omitzero"`
	// AllowPrivate is the owner's yes to a base URL that is on a private, local
	// or link-local network.
	AllowPrivate bool      `json:"allow_private,omitzero"`
	CreatedAt    time.Time `json:"created_at"`

	Arrangement
}

// NewCredential is a provider key to be stored.
type NewCredential struct {
	// Resource is what it is for, e.g. llm:openai. Required.
	Resource string
	// Label tells keys of one resource apart, 1 to 64 printable characters.
	// Default "default".
	Label string
	// BaseURL overrides the provider's own: an absolute https URL, or http to
	// localhost or a loopback address; no user, query or fragment.
	// Default "", the provider's own.
	BaseURL string
	// Home is the provider's own address. Required where BaseURL is empty and the
	// key is to be used.
	Home string
	// Headers are at most 8 with plain names and printable ASCII values of at
	// most 256 bytes. Default none.
	Headers map[string]string
	// AllowPrivate lets BaseURL be on a private, local or link-local network.
	AllowPrivate bool
	// Arrangement is when the key is used; the zero value is the first choice.
	Arrangement Arrangement
	// Secret is the key, 1 to 8,192 bytes of printable ASCII. Required. The
	// caller zeroes it.
	Secret Secret
}

// credentialRecord is a credential as stored. All of it but Sealed and the
// arrangement is associated data of Sealed, under the root key: whoever can
// write the file and has the host key can still not send a key elsewhere, or
// on another bill, by changing its base URL or its headers.
type credentialRecord struct {
	Format int `json:"format"`
	Credential
	Order       int64  `json:"order"`   // of adding
	Version     int64  `json:"version"` // of this record
	RootVersion int64  `json:"root_version"`
	Sealed      []byte `json:"sealed"`
}

func (r credentialRecord) binding() []byte {
	parts := []string{r.ID, r.Resource, r.Label, r.BaseURL, instant(r.CreatedAt), number(r.Order), number(r.Version), number(r.RootVersion)}
	if r.AllowPrivate { // records that are older than these members stay as they are bound
		parts = append(parts, "allow private")
	}
	if r.Home != "" {
		parts = append(parts, "home", r.Home)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		parts = append(parts, "header", name, r.Headers[name])
	}
	return bind("vault credential", parts...)
}

func (r *credentialRecord) sealUnder(root *root, secret []byte) (err error) {
	r.RootVersion = root.version
	if r.Sealed, err = root.seal.Encrypt(secret, r.binding()); err != nil {
		return fmt.Errorf("sealing key: %w", err)
	}
	return nil
}

// openUnder returns the key, which the caller zeroes. Error: ErrDamaged.
func (r credentialRecord) openUnder(root *root) ([]byte, error) {
	return r.openBound(root, r.binding())
}

// openBound is openUnder where the binding is known.
func (r credentialRecord) openBound(root *root, binding []byte) ([]byte, error) {
	secret, err := root.seal.Decrypt(r.Sealed, binding)
	if err != nil {
		return nil, fmt.Errorf("%w: key %s does not open", ErrDamaged, r.ID)
	}
	return secret, nil
}

func (r credentialRecord) check(id string) error {
	if r.Format != format || r.ID != id || r.Version < 1 || r.RootVersion < 1 {
		return fmt.Errorf("%w: the record of key %s is not valid", ErrDamaged, id)
	}
	return nil
}

// AddCredential stores a provider key. Errors: ErrLocked, ErrCredentialExists
// (same resource and label), ErrTooMany, *CredentialError.
func (v *Vault) AddCredential(c NewCredential) (Credential, error) {
	baseURL, headers, err := c.check()
	if err != nil {
		return Credential{}, err
	}
	label, err := cleanLabel(cmp.Or(c.Label, "default"))
	if err != nil {
		return Credential{}, err
	}
	v.changing.Lock()
	defer v.changing.Unlock()
	r, err := v.unlocked()
	if err != nil {
		return Credential{}, err
	}
	order, err := v.room(c.Resource, label)
	if err != nil {
		return Credential{}, err
	}
	id, err := newID(v.rand, credentialIDTag)
	if err != nil {
		return Credential{}, err
	}
	record := credentialRecord{
		Format: format, Order: order, Version: 1,
		Credential: Credential{
			ID: id, Resource: c.Resource, Label: label, BaseURL: baseURL, Home: c.Home, Headers: headers,
			AllowPrivate: c.AllowPrivate, CreatedAt: v.clock().UTC().Round(0), Arrangement: c.Arrangement,
		},
	}
	if err := record.sealUnder(r, c.Secret.Bytes()); err != nil {
		return Credential{}, err
	}
	err = v.commit(func(all *records) { all.credentials = with(all.credentials, id, record) },
		func(tx *store.Tx) error { return credentialRecords.Put(tx, id, record) })
	if err != nil {
		return Credential{}, fmt.Errorf("storing key: %w", err)
	}
	return record.Credential, nil
}

func (c NewCredential) check() (baseURL string, headers map[string]string, err error) {
	if err := c.checkSecret(); err != nil {
		return "", nil, err
	}
	if err := c.Arrangement.check(); err != nil {
		return "", nil, err
	}
	if headers, err = cleanHeaders(c.Headers); err != nil {
		return "", nil, err
	}
	baseURL, err = cleanBaseURL(c.BaseURL)
	return baseURL, headers, err
}

func (c NewCredential) checkSecret() error {
	if len(c.Resource) > maxResource || !resourcePattern.MatchString(c.Resource) {
		return &CredentialError{"resource", "it must be like llm:openai"}
	}
	secret := c.Secret.Bytes()
	switch {
	case len(secret) == 0:
		return &CredentialError{"secret", "it is empty"}
	case len(secret) > maxSecret:
		return &CredentialError{"secret", fmt.Sprintf("it is longer than %d bytes", maxSecret)}
	}
	for _, b := range secret { // it goes into a header
		if b <= ' ' || b > '~' {
			return &CredentialError{"secret", "it holds a space or a character that cannot be sent; paste it again"}
		}
	}
	return nil
}

func cleanLabel(label string) (string, error) {
	if utf8.RuneCountInString(label) > maxLabel || !utf8.ValidString(label) {
		return "", &CredentialError{"label", fmt.Sprintf("it must be text of at most %d characters", maxLabel)}
	}
	for _, r := range label {
		if !unicode.IsPrint(r) {
			return "", &CredentialError{"label", "it has a line break or another invisible character in it"}
		}
	}
	if strings.TrimSpace(label) != label {
		return "", &CredentialError{"label", "it begins or ends with a space"}
	}
	if strings.HasPrefix(label, credentialIDTag) {
		return "", &CredentialError{"label", "it must not begin like an id, with " + credentialIDTag}
	}
	return label, nil
}

// room returns the place of one more credential; the caller holds changing.
func (v *Vault) room(resource, label string) (order int64, err error) {
	if len(v.credentials) >= maxCredentials {
		return 0, fmt.Errorf("%w: at most %d keys", ErrTooMany, maxCredentials)
	}
	for _, r := range v.credentials {
		if r.Resource == resource && r.Label == label {
			return 0, ErrCredentialExists
		}
		order = max(order, r.Order)
	}
	return order + 1, nil
}

// Credentials lists what is stored, without the keys, in the order of adding.
// It works while locked.
func (v *Vault) Credentials() ([]Credential, error) {
	records := v.credentialsWhere(func(credentialRecord) bool { return true })
	list := make([]Credential, 0, len(records))
	for _, r := range records {
		list = append(list, r.Credential)
	}
	return list, nil
}

// credentialsWhere returns matching records in the order of adding.
func (v *Vault) credentialsWhere(match func(credentialRecord) bool) []credentialRecord {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return matching(v.credentials, match)
}

func matching(all map[string]credentialRecord, match func(credentialRecord) bool) []credentialRecord {
	var records []credentialRecord
	for _, r := range all {
		if match(r) {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b credentialRecord) int { return cmp.Compare(a.Order, b.Order) })
	return records
}

// RemoveCredential removes a provider key, named by its id, or by its label if
// no other key has it. It works while locked. Errors: ErrNoCredential,
// ErrAmbiguous.
func (v *Vault) RemoveCredential(id string) error {
	v.changing.Lock()
	defer v.changing.Unlock()
	found, err := v.credentialNamed(id)
	if err != nil {
		return err
	}
	id = found.ID
	err = v.commit(func(all *records) { all.credentials = without(all.credentials, id) },
		func(tx *store.Tx) error { return credentialRecords.Delete(tx, id) })
	if err != nil {
		return fmt.Errorf("removing key: %w", err)
	}
	v.mu.RLock()
	removals := v.removals
	v.mu.RUnlock()
	for _, watch := range removals {
		watch(id)
	}
	return nil
}

// credentialNamed finds a key by its id, or by its label if no other key has
// it. Errors: ErrNoCredential, ErrAmbiguous.
func (v *Vault) credentialNamed(idOrLabel string) (credentialRecord, error) {
	found := v.credentialsWhere(func(r credentialRecord) bool { return r.ID == idOrLabel || r.Label == idOrLabel })
	switch len(found) {
	case 0:
		return credentialRecord{}, ErrNoCredential
	case 1:
		return found[0], nil
	}
	return credentialRecord{}, ErrAmbiguous
}
