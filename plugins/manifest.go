package plugins

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxManifestBytes bounds a manifest's text.
const MaxManifestBytes = 64 << 10

// Manifest declares a provider. It is data: a dialect uses it to decide which of
// its own actions are open, so a manifest narrows what is reachable and never
// widens it.
//
//	{
//	  "id": "llm:openai",
//	  "title": "OpenAI",
//	  "base_url": "https://api.openai.com/v1",
//	  "dialect": "openai",
//	  "credential": {"header": "Authorization", "prefix": "Bearer "},
//	  "actions": [{"name": "models.list", "method": "GET", "path": "/models"}],
//	  "docs": "https://platform.openai.com/docs/api-reference"
//	}
//
// docs/manifest.schema.json describes it to editors, docs/providers.md to people.
type Manifest struct {
	ID         string     `json:"id"`       // type:name, lower case
	Title      string     `json:"title"`    // for people, at most 80 bytes
	BaseURL    string     `json:"base_url"` // https, or http on loopback or, with AllowPrivate, a private address; no trailing slash
	Dialect    string     `json:"dialect"`  // which Go code speaks to it
	Credential Credential `json:"credential"`
	Actions    []Action   `json:"actions"` // 1 to 64

	// Headers are sent with every call, by name; at most 16. A header the client
	// may set (PassHeaders) is only the default.
	Headers map[string]string `json:"headers,omitzero"`
	// PassHeaders are headers of the client's that go to the provider as they are,
	// besides those the dialect passes; at most 16.
	PassHeaders []string `json:"pass_headers,omitzero"`
	// AllowPrivate is the owner's yes to an address that is private, loopback or
	// link-local. Without it the gateway does not connect to one, whatever name
	// leads there.
	AllowPrivate bool `json:"allow_private,omitzero"`

	// OutputCap says by which name its chats in OpenAI's dialect bound their
	// output: a server ignores the name it does not know, or refuses it. See
	// [OutputCapBoth] and its neighbours; empty means by the address.
	OutputCap string `json:"output_cap,omitzero"`

	// OpenAI is the provider's other side, which speaks OpenAI's dialect, where
	// the first speaks its own.
	OpenAI *Side `json:"openai,omitzero"`

	Docs string `json:"docs,omitzero"` // https URL of the provider's documentation

	// Below follows the base URL, the owner's own too. Only a side has it.
	Below string `json:"-"`
}

// Credential says where a provider expects its key.
type Credential struct {
	Header string `json:"header,omitzero"` // such as Authorization; required unless None
	Prefix string `json:"prefix,omitzero"` // put before the key, such as "Bearer "
	// None declares a provider without keys: none is stored and none is sent. It
	// must be said, so that a forgotten header is an error and not an open door.
	None bool `json:"none,omitzero"`
}

// Action is one endpoint an app may be granted.
type Action struct {
	Name   string `json:"name"`   // such as chat.completions
	Method string `json:"method"` // GET, POST, PUT, PATCH or DELETE
	// Path follows the base URL and begins with a slash. A segment may be a
	// {placeholder}, which stands for one plain segment of the client's, and may
	// end in a verb behind a colon: /models/{model}:generateContent.
	Path string `json:"path"`
	// Query lists the query parameters that go to the provider; at most 32. Only
	// the http dialect has it: the others know their own.
	Query []string `json:"query,omitzero"`
}

// ManifestError is a manifest that cannot be used.
type ManifestError struct {
	Member  string // such as actions.0.path; empty for the document as a whole
	Problem string // what is wrong with it
}

// Error names the member first.
func (e *ManifestError) Error() string {
	if e.Member == "" {
		return "manifest: " + e.Problem
	}
	return fmt.Sprintf("manifest member %s: %s", e.Member, e.Problem)
}

//go:embed manifests/*.json
var embedded embed.FS

// Manifests returns the manifests that ship with the gateway, by file name.
func Manifests() ([]Manifest, error) {
	files, err := embedded.ReadDir("manifests")
	if err != nil {
		return nil, fmt.Errorf("listing manifests: %w", err)
	}
	var all []Manifest
	for _, file := range files {
		data, err := embedded.ReadFile("manifests/" + file.Name())
		if err != nil {
			return nil, fmt.Errorf("reading manifest %s: %w", file.Name(), err)
		}
		m, err := ParseManifest(data)
		if err != nil {
			return nil, fmt.Errorf("reading manifest %s: %w", file.Name(), err)
		}
		all = append(all, m)
	}
	return all, nil
}

// ParseManifest decodes one manifest strictly: unknown, repeated or missing
// members are refused. Errors are *[ManifestError].
func ParseManifest(data []byte) (Manifest, error) {
	if len(data) > MaxManifestBytes {
		return Manifest{}, &ManifestError{Problem: fmt.Sprintf("larger than %d bytes", MaxManifestBytes)}
	}
	var m Manifest
	if err := json.Unmarshal(data, &m, json.RejectUnknownMembers(true)); err != nil {
		return Manifest{}, manifestSyntax(err)
	}
	if err := m.check(); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// manifestSyntax puts a decoder's error into a manifest author's words.
func manifestSyntax(err error) *ManifestError {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		problem := "not valid JSON"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			problem = "given twice"
		}
		return &ManifestError{Member: dotted(syntactic.JSONPointer), Problem: problem}
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		problem := fmt.Sprintf("must not be a JSON %s", semantic.JSONKind)
		if errors.Is(err, json.ErrUnknownName) {
			problem = "not a member of a manifest"
		}
		return &ManifestError{Member: dotted(semantic.JSONPointer), Problem: problem}
	}
	return &ManifestError{Problem: "not valid JSON"}
}

func dotted(p jsontext.Pointer) string {
	return strings.Join(slices.Collect(p.Tokens()), ".")
}
