package price

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/keywicket/keywicket/internal/policy/wildcard"
)

const maxOverrides = 1000

// Override is a price of the owner's own, for one model or all that a glob
// matches. Prices are as in [Rate]; a cache price that is nil is the input's.
// It has no tiers. Bounds that are 0 are the catalog's, and Hidden adds to it. A
// model that the catalog does not know is taken to hide output unless Visible
// says that it does not.
type Override struct {
	Input      int64  `json:"input"`
	Output     int64  `json:"output"`
	CacheRead  *int64 `json:"cache_read,omitzero"`
	CacheWrite *int64 `json:"cache_write,omitzero"`
	Request    int64  `json:"request,omitzero"`
	MaxContext int64  `json:"max_context,omitzero"`
	MaxOutput  int64  `json:"max_output,omitzero"`
	Hidden     bool   `json:"hidden,omitzero"`
	Visible    bool   `json:"visible,omitzero"`
}

// over is the rate of a model of which the catalog knows base; Unpriced there
// says that it knows nothing.
func (o Override) over(base Rate) Rate {
	read, write := &o.Input, &o.Input
	return Rate{
		Input:      o.Input,
		Output:     o.Output,
		CacheRead:  *cmp.Or(o.CacheRead, read),
		CacheWrite: *cmp.Or(o.CacheWrite, write),
		Request:    o.Request,
		MaxContext: cmp.Or(o.MaxContext, base.MaxContext),
		MaxOutput:  cmp.Or(o.MaxOutput, base.MaxOutput),
		Hidden:     o.Hidden || base.Hidden && !(o.Visible && base.Unpriced),
	}
}

func (o Override) validate() error {
	if o.Hidden && o.Visible {
		return fmt.Errorf("%w: a model either hides output or shows all of it", ErrOverride)
	}
	for _, p := range []struct {
		what string
		n    int64
		most int64
	}{
		{"the input price", o.Input, maxPrice},
		{"the output price", o.Output, maxPrice},
		{"the price of reading the cache", *cmp.Or(o.CacheRead, &o.Input), maxPrice},
		{"the price of writing the cache", *cmp.Or(o.CacheWrite, &o.Input), maxPrice},
		{"the price of a request", o.Request, maxPrice},
		{"the context", o.MaxContext, maxTokens},
		{"the output", o.MaxOutput, maxTokens},
	} {
		switch {
		case p.n < 0:
			return fmt.Errorf("%w: %s must not be negative", ErrOverride, p.what)
		case p.n > p.most && p.most == maxPrice:
			return fmt.Errorf("%w: %s must be at most %s dollars", ErrOverride, p.what, FormatDollars(maxPrice))
		case p.n > p.most:
			return fmt.Errorf("%w: %s must be at most %d tokens", ErrOverride, p.what, p.most)
		}
	}
	return nil
}

// overrideKey is what an override is for.
type overrideKey struct{ resource, model string }

// newKey refuses what no request could be for.
func newKey(resource, model string) (overrideKey, error) {
	kind, name, found := strings.Cut(resource, ":")
	if !found || !nameable(kind) || !nameable(name) {
		return overrideKey{}, fmt.Errorf("%w: the resource must be type:name, for example llm:openai", ErrOverride)
	}
	model = bare(model)
	if !nameable(model) {
		return overrideKey{}, fmt.Errorf("%w: the model must be a name or a glob of 1 to %d visible ASCII characters", ErrOverride, maxModelBytes)
	}
	return overrideKey{resource, model}, nil
}

// bare drops the "models/" that Gemini puts before its model names.
func bare(model string) string { return strings.TrimPrefix(model, "models/") }

func (k overrideKey) isGlob() bool { return strings.ContainsAny(k.model, "*?") }

// own are the owner's prices of one resource.
type own struct {
	exact map[string]Override
	globs []globPrice // longest first
}

type globPrice struct {
	glob string
	Override
}

// arrange puts overrides where lookups find them.
func arrange(all map[overrideKey]Override) map[string]*own {
	arranged := map[string]*own{}
	for k, o := range all {
		of := arranged[k.resource]
		if of == nil {
			of = &own{exact: map[string]Override{}}
			arranged[k.resource] = of
		}
		if k.isGlob() {
			of.globs = append(of.globs, globPrice{k.model, o})
		} else {
			of.exact[k.model] = o
		}
	}
	for _, of := range arranged {
		slices.SortFunc(of.globs, func(a, b globPrice) int {
			return cmp.Or(cmp.Compare(len(b.glob), len(a.glob)), cmp.Compare(a.glob, b.glob))
		})
	}
	return arranged
}

// price is the owner's for the exact name.
func (o *own) price(name string) (Override, bool) {
	if o == nil {
		return Override{}, false
	}
	p, found := o.exact[name]
	return p, found
}

// match is the owner's for the name by the longest glob.
func (o *own) match(name string) (Override, bool) {
	if o != nil {
		for _, g := range o.globs {
			if wildcard.Match(g.glob, name) {
				return g.Override, true
			}
		}
	}
	return Override{}, false
}
