package plugins

import (
	"cmp"
	"fmt"
	"slices"
)

// Registry finds providers by resource. It does not change once built.
type Registry struct {
	byID   map[string]Provider
	sorted []Provider
}

// NewRegistry takes providers in any order. A nil provider or two with the same
// id are errors.
func NewRegistry(providers []Provider) (*Registry, error) {
	r := &Registry{byID: make(map[string]Provider, len(providers))}
	for i, p := range providers {
		if p == nil {
			return nil, fmt.Errorf("registering provider %d: it is nil", i)
		}
		id := p.Manifest().ID
		if _, taken := r.byID[id]; taken {
			return nil, fmt.Errorf("registering provider %s: two providers have this id", id)
		}
		r.byID[id] = p
		r.sorted = append(r.sorted, p)
	}
	slices.SortFunc(r.sorted, func(a, b Provider) int {
		return cmp.Compare(a.Manifest().ID, b.Manifest().ID)
	})
	return r, nil
}

// Lookup finds the provider of a resource such as llm:openai. Ids are matched
// exactly.
func (r *Registry) Lookup(resource string) (Provider, bool) {
	p, ok := r.byID[resource]
	return p, ok
}

// All lists the providers in the order of their ids. The slice is the caller's.
func (r *Registry) All() []Provider { return slices.Clone(r.sorted) }
