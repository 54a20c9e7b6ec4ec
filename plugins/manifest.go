package plugins

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxManifestBytes bounds a manifest's text.
const MaxManifestBytes = 64 << 10

const (
	maxActions   = 64
	maxPathBytes = 256 // of an action
)

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
// Every member is required but docs and credential.prefix.
type Manifest struct {
	ID         string     `json:"id"`       // type:name, lower case
	Title      string     `json:"title"`    // for people, at most 80 bytes
	BaseURL    string     `json:"base_url"` // https, or http on loopback; no trailing slash
	Dialect    string     `json:"dialect"`  // which Go code speaks to it
	Credential Credential `json:"credential"`
	Actions    []Action   `json:"actions"`       // 1 to 64
	Docs       string     `json:"docs,omitzero"` // https URL of the provider's documentation
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
	Path   string `json:"path"`   // begins with a slash; follows the base URL
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

var (
	idShape     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}:[a-z][a-z0-9-]{0,31}$`)
	nameShape   = regexp.MustCompile(`^[a-z][a-z0-9_.]{0,63}$`)
	headerShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	pathShape   = regexp.MustCompile(`^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$`)
	methods     = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
)

func (m Manifest) check() error {
	bad := func(member, problem string) error { return &ManifestError{Member: member, Problem: problem} }
	switch {
	case !idShape.MatchString(m.ID):
		return bad("id", `must be type:name in lower case, such as "llm:openai"`)
	case m.Title == "" || len(m.Title) > 80 || !printable(m.Title):
		return bad("title", "must be 1 to 80 bytes of printable text")
	case !nameShape.MatchString(m.Dialect):
		return bad("dialect", "must name a dialect in lower case")
	case m.Credential.None && m.Credential != (Credential{None: true}):
		return bad("credential.none", "must stand alone: a provider without keys has no header to put one in")
	case m.Credential.None:
	case !headerShape.MatchString(m.Credential.Header):
		return bad("credential.header", "must be a header name, such as Authorization")
	case reservedHeader(m.Credential.Header):
		return bad("credential.header", "must not be a header that HTTP itself uses")
	case len(m.Credential.Prefix) > 32 || !printable(m.Credential.Prefix):
		return bad("credential.prefix", "must be at most 32 bytes of printable text")
	}
	if problem := baseURLProblem(m.BaseURL); problem != "" {
		return bad("base_url", problem)
	}
	if m.Docs != "" {
		if u, err := url.Parse(m.Docs); err != nil || u.Scheme != "https" || u.Host == "" {
			return bad("docs", "must be an https URL")
		}
	}
	return m.checkActions()
}

func (m Manifest) checkActions() error {
	if len(m.Actions) == 0 || len(m.Actions) > maxActions {
		return &ManifestError{Member: "actions", Problem: fmt.Sprintf("must list 1 to %d actions", maxActions)}
	}
	seen := make(map[string]bool)
	for i, a := range m.Actions {
		bad := func(member, problem string) error {
			return &ManifestError{Member: fmt.Sprintf("actions.%d.%s", i, member), Problem: problem}
		}
		switch {
		case !nameShape.MatchString(a.Name):
			return bad("name", `must be lower case words joined by dots, such as "models.list"`)
		case seen["name "+a.Name]:
			return bad("name", "names an action listed before")
		case !slices.Contains(methods, a.Method):
			return bad("method", "must be one of "+strings.Join(methods, ", "))
		case len(a.Path) > maxPathBytes || !pathShape.MatchString(a.Path) || strings.Contains(a.Path, ".."):
			return bad("path", `must be literal segments after a leading slash, such as "/models"`)
		case seen[a.Method+" "+a.Path]:
			return bad("path", "opens an endpoint listed before")
		}
		seen["name "+a.Name], seen[a.Method+" "+a.Path] = true, true
	}
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}
