package price

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// view is all that is known at one time. It is never changed.
type view struct {
	catalog   catalog
	replaced  time.Time // when the owner put the catalog in; zero for the one carried
	overrides map[overrideKey]Override
	own       map[string]*own // the same, by resource
}

// rate looks for the name as it is, then without its date: at each, the
// owner's price counts before the catalog's. A glob is about names as they
// are.
func (v *view) rate(resource, model string) (Rate, bool) {
	model = bare(model)
	mine := v.own[resource]
	for name := range names(model) {
		o, found := mine.price(name)
		if !found && name == model {
			o, found = mine.match(name)
		}
		if found {
			return o.over(v.base(resource, model)), true
		}
		if k, found := v.catalog[resource][name]; found {
			return k.bounded(), k.Priced
		}
	}
	return unknown(), false
}

// base is what the catalog knows of a model, and unpriced only where it knows
// nothing.
func (v *view) base(resource, model string) Rate {
	for name := range names(model) {
		if k, found := v.catalog[resource][name]; found {
			return k.Rate
		}
	}
	return unknown()
}

// unknown is the rate of a model of which nothing is known: not that it shows
// all of its output either.
func unknown() Rate { return Rate{Hidden: true, Unpriced: true} }

// bounded is the model's rate, which may be one of bounds alone.
func (k known) bounded() Rate {
	r := k.Rate
	r.Unpriced = !k.Priced
	return r
}

// list is a resource's models and the owner's globs, by name.
func (v *view) list(resource string) []Entry {
	all := map[string]Entry{}
	for model, k := range v.catalog[resource] {
		all[model] = Entry{Model: model, Priced: k.Priced, Rate: k.Rate}
	}
	for k, o := range v.overrides {
		if k.resource == resource {
			all[k.model] = Entry{Model: k.model, Priced: true, Rate: o.over(v.base(resource, k.model)), Own: true}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Entry) int { return strings.Compare(a.Model, b.Model) })
}

func (v *view) resources() []string {
	all := map[string]bool{}
	for resource := range v.catalog {
		all[resource] = true
	}
	for k := range v.overrides {
		all[k.resource] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (v *view) info() Info {
	models, priced := v.catalog.count()
	return Info{
		Providers: len(v.catalog), Models: models, Priced: priced,
		Overrides: len(v.overrides), Replaced: v.replaced,
	}
}

func (c catalog) count() (models, priced int) {
	for _, of := range c {
		models += len(of)
		for _, k := range of {
			if k.Priced {
				priced++
			}
		}
	}
	return models, priced
}

// summary tells what a catalog holds, and what it changes of the one before.
func (c catalog) summary(before catalog) Summary {
	s := Summary{Providers: len(c)}
	s.Models, s.Priced = c.count()
	for resource, of := range c {
		for model, k := range of {
			was, found := before[resource][model]
			switch {
			case !found:
				s.Added++
			case !k.equal(was):
				s.Changed++
			}
		}
	}
	for resource, of := range before {
		for model := range of {
			if _, found := c[resource][model]; !found {
				s.Removed++
			}
		}
	}
	return s
}

func (k known) equal(other known) bool {
	same := slices.Equal(k.Rate.Tiers, other.Rate.Tiers)
	a, b := k.Rate, other.Rate
	return same && k.Priced == other.Priced &&
		a.Input == b.Input && a.Output == b.Output && a.CacheRead == b.CacheRead && a.CacheWrite == b.CacheWrite &&
		a.Request == b.Request && a.MaxContext == b.MaxContext && a.MaxOutput == b.MaxOutput && a.Hidden == b.Hidden
}
