package plugins

import (
	"fmt"
	"slices"
	"strings"
)

// Endpoint is an action that a dialect has, and where clients may call it.
type Endpoint struct {
	Name    string
	Method  string
	Path    string   // as manifests list it, and where it is upstream; may have {placeholders}
	Aliases []string // further paths of clients, with the same placeholders; "/emails/send"
}

// Routes finds the action of a request by method and path, as they were on the
// wire, byte for byte: no reading of escapes, dots or slashes that differs from
// the provider's can play a part. Routes do not change once made.
type Routes struct {
	prefixes []string
	routes   []route
	literal  map[place]Match // of paths without placeholders, in all spellings
}

type place struct{ method, path string }

type route struct {
	action  Action
	pattern pattern
	target  pattern
}

// Match is a request's action.
type Match struct {
	Action Action            // of the manifest
	Path   string            // to call upstream, with the placeholders filled in
	Values map[string]string // of the placeholders; nil when there are none
}

// NewRoutes opens those of a dialect's endpoints that m lists, and nothing else.
// known nil stands for a dialect that has any endpoint. A client may put one of
// prefixes, such as "/v1", before a path. A manifest for another dialect, or
// with an action the dialect does not have, is a *[ManifestError].
func NewRoutes(m Manifest, dialect string, known []Endpoint, prefixes ...string) (*Routes, error) {
	if m.Dialect != dialect {
		return nil, &ManifestError{Member: "dialect", Problem: fmt.Sprintf("must be %q here", dialect)}
	}
	r := &Routes{prefixes: prefixes}
	for i, action := range m.Actions {
		endpoint, err := endpointOf(action, known)
		if err != nil {
			return nil, &ManifestError{Member: fmt.Sprintf("actions.%d%s", i, err.Member), Problem: fmt.Sprintf(err.Problem, dialect)}
		}
		for _, path := range append([]string{endpoint.Path}, endpoint.Aliases...) {
			from, ok := parsePattern(path)
			target, ok2 := parsePattern(action.Path)
			if !ok || !ok2 {
				return nil, &ManifestError{Member: fmt.Sprintf("actions.%d.path", i), Problem: badPath}
			}
			r.routes = append(r.routes, route{action: action, pattern: from, target: target})
		}
	}
	slices.SortStableFunc(r.routes, func(a, b route) int { return a.pattern.compare(b.pattern) })
	r.learn()
	return r, nil
}

// endpointOf finds an action among those a dialect has.
func endpointOf(action Action, known []Endpoint) (Endpoint, *ManifestError) {
	if known == nil {
		return Endpoint{Name: action.Name, Method: action.Method, Path: action.Path}, nil
	}
	if len(action.Query) > 0 {
		return Endpoint{}, &ManifestError{Member: ".query", Problem: "the %s dialect has its own query parameters; leave it out"}
	}
	for _, e := range known {
		if e.Name == action.Name && e.Method == action.Method && e.Path == action.Path {
			return e, nil
		}
	}
	return Endpoint{}, &ManifestError{Problem: fmt.Sprintf("the %%s dialect has no action %s at %s %s", action.Name, action.Method, action.Path)}
}

// learn looks up beforehand what most requests will ask for.
func (r *Routes) learn() {
	r.literal = make(map[place]Match)
	for _, known := range r.routes {
		for _, prefix := range append([]string{""}, r.prefixes...) {
			at := place{known.action.Method, prefix + known.pattern.shape()}
			if m, ok := r.search(at.method, at.path); ok && m.Values == nil {
				r.literal[at] = m
			}
		}
	}
}

// Match finds the action of a request; false for what the manifest does not
// open and for every path that is not plain ([PlainPath]). A literal beats a
// placeholder, from left to right.
func (r *Routes) Match(method, path string) (Match, bool) {
	if m, ok := r.literal[place{method, path}]; ok {
		return m, true
	}
	return r.search(method, path)
}

func (r *Routes) search(method, path string) (Match, bool) {
	if !PlainPath(path) {
		return Match{}, false
	}
	if m, ok := r.find(method, path); ok {
		return m, true
	}
	for _, prefix := range r.prefixes {
		if rest, ok := strings.CutPrefix(path, prefix); ok && strings.HasPrefix(rest, "/") {
			return r.find(method, rest)
		}
	}
	return Match{}, false
}

func (r *Routes) find(method, path string) (Match, bool) {
	for i := range r.routes {
		route := &r.routes[i]
		if route.action.Method != method {
			continue
		}
		values, ok := route.pattern.match(path)
		switch {
		case !ok:
			continue
		case values == nil:
			return Match{Action: route.action, Path: route.action.Path}, true
		}
		return Match{Action: route.action, Path: route.target.fill(values), Values: values}, true
	}
	return Match{}, false
}
