package plugins

import (
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	maxActions    = 64
	maxPathBytes  = 256 // of an action
	maxQueryNames = 32  // of an action
	maxHeaders    = 16
	maxFixedValue = 256 // bytes of a header a manifest sets
)

var (
	idShape     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}:[a-z][a-z0-9-]{0,31}$`)
	nameShape   = regexp.MustCompile(`^[a-z][a-z0-9_.]{0,63}$`)
	headerShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	queryShape  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)
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
	}
	if err := m.Credential.check(); err != nil {
		return err
	}
	if problem := baseURLProblem(m.BaseURL, m.AllowPrivate, m.Credential.None); problem != "" {
		return bad("base_url", problem)
	}
	if problem := m.outputCapProblem(); problem != "" {
		return bad("output_cap", problem)
	}
	if m.Docs != "" {
		if u, err := url.Parse(m.Docs); err != nil || !strings.HasPrefix(m.Docs, "https://") || u.Host == "" {
			return bad("docs", "must be an https URL")
		}
	}
	if err := m.checkHeaders(); err != nil {
		return err
	}
	if err := m.checkActions(); err != nil {
		return err
	}
	return m.checkSide()
}

func (c Credential) check() error {
	bad := func(member, problem string) error { return &ManifestError{Member: member, Problem: problem} }
	switch {
	case c.None && c != Credential{None: true}:
		return bad("credential.none", "must stand alone: a provider without keys has no header to put one in")
	case c.None:
		return nil
	case !headerShape.MatchString(c.Header):
		return bad("credential.header", "must be a header name, such as Authorization")
	case reservedHeader(c.Header):
		return bad("credential.header", "must not be a header that HTTP itself uses")
	case len(c.Prefix) > 32 || !printable(c.Prefix):
		return bad("credential.prefix", "must be at most 32 bytes of printable text")
	}
	return nil
}

// checkHeaders keeps credentials out of what a manifest can set or let through:
// a manifest is no secret, and a client must not choose who pays.
func (m Manifest) checkHeaders() error {
	if len(m.Headers) > maxHeaders {
		return &ManifestError{Member: "headers", Problem: fmt.Sprintf("must list at most %d headers", maxHeaders)}
	}
	if len(m.PassHeaders) > maxHeaders {
		return &ManifestError{Member: "pass_headers", Problem: fmt.Sprintf("must list at most %d headers", maxHeaders)}
	}
	seen := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		if problem := m.headerProblem(name, seen); problem != "" {
			return &ManifestError{Member: "headers." + name, Problem: problem}
		}
		if value := m.Headers[name]; value == "" || len(value) > maxFixedValue || !sendable(value) {
			return &ManifestError{Member: "headers." + name, Problem: fmt.Sprintf("must be 1 to %d bytes of printable ASCII without space at its ends", maxFixedValue)}
		}
	}
	clear(seen)
	for i, name := range m.PassHeaders {
		problem := m.headerProblem(name, seen)
		if problem == "" && choosesPayer(name) {
			problem = "must not be a header that chooses who pays; store it with the key"
		}
		if problem != "" {
			return &ManifestError{Member: fmt.Sprintf("pass_headers.%d", i), Problem: problem}
		}
	}
	return nil
}

func (m Manifest) headerProblem(name string, seen map[string]bool) string {
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	again := seen[canonical]
	seen[canonical] = true
	switch {
	case !headerShape.MatchString(name):
		return "must be a header name, such as X-Title"
	case again:
		return "names a header listed before"
	case reservedHeader(name) || hopHeader(canonical):
		return "must not be a header that HTTP itself uses"
	case slices.Contains(clientCredentials(), canonical) || strings.EqualFold(name, m.Credential.Header):
		return "must not be a header that carries a credential"
	}
	return ""
}

// hopHeader reports whether a header is about the way a message takes, and so
// never a client's or a manifest's to set.
func hopHeader(canonical string) bool {
	return strings.HasPrefix(canonical, "X-Forwarded-") || strings.HasPrefix(canonical, "X-Stainless-") ||
		slices.Contains([]string{
			"Forwarded", "X-Real-Ip", "User-Agent", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
			"X-Original-Url", "X-Rewrite-Url", "Http2-Settings", "Range", "If-Range",
		}, canonical)
}

// choosesPayer reports whether some provider charges by the header.
func choosesPayer(name string) bool {
	return slices.Contains([]string{
		"Openai-Organization", "Openai-Project", "Anthropic-Workspace-Id", "X-Goog-User-Project",
	}, textproto.CanonicalMIMEHeaderKey(name))
}

func sendable(value string) bool {
	return value == strings.TrimSpace(value) && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

func (m Manifest) checkActions() error {
	if len(m.Actions) == 0 || len(m.Actions) > maxActions {
		return &ManifestError{Member: "actions", Problem: fmt.Sprintf("must list 1 to %d actions", maxActions)}
	}
	seen := make(map[string]bool)
	for i, a := range m.Actions {
		if err := a.check(seen); err != nil {
			err.Member = fmt.Sprintf("actions.%d.%s", i, err.Member)
			return err
		}
	}
	return nil
}

const badPath = `must be segments after a leading slash, each a literal or a {placeholder}, such as "/models" or "/emails/{id}"`

// check looks at one action; seen are the names and endpoints before it.
func (a Action) check(seen map[string]bool) *ManifestError {
	bad := func(member, problem string) *ManifestError { return &ManifestError{Member: member, Problem: problem} }
	path, ok := parsePattern(a.Path)
	endpoint := a.Method + " " + path.shape()
	switch {
	case !nameShape.MatchString(a.Name):
		return bad("name", `must be lower case words joined by dots, such as "models.list"`)
	case seen["name "+a.Name]:
		return bad("name", "names an action listed before")
	case !slices.Contains(methods, a.Method):
		return bad("method", "must be one of "+strings.Join(methods, ", "))
	case len(a.Path) > maxPathBytes || !ok:
		return bad("path", badPath)
	case seen[endpoint]:
		return bad("path", "opens an endpoint listed before")
	case len(a.Query) > maxQueryNames:
		return bad("query", fmt.Sprintf("must list at most %d parameters", maxQueryNames))
	}
	for i, name := range a.Query {
		if !queryShape.MatchString(name) || slices.Contains(a.Query[:i], name) {
			return bad(fmt.Sprintf("query.%d", i), `must be a parameter's name, such as "limit", and listed once`)
		}
	}
	seen["name "+a.Name], seen[endpoint] = true, true
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == '\uFFFD' })
}
