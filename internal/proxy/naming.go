package proxy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/plugins"
)

// modelKind begins the resources that have models.
const modelKind = "llm:"

// maxNamed bounds how many choices a refusal names.
const maxNamed = 8

// naming finds what an app means by the name of a model, where the address does
// not say which provider:
//
//	fast                          the owner's alias: its targets, in order
//	groq/llama-3.3-70b-versatile  a provider and its model
//	gpt-4o-mini                   the one granted provider that has it
type naming struct {
	permissions []pairing.Permission // of the app
	providers   *providers.Book
	prices      *price.Table
}

// targets are what a name may stand for, in the order of trying. Errors:
// *policy.Denied when the app may use none of that name, *plugins.Error when
// several might be meant.
func (n naming) targets(name string) ([]providers.Target, error) {
	if alias, ok := n.providers.Alias(name); ok {
		return alias.Targets, nil
	}
	if t, ok := n.qualified(name); ok {
		return []providers.Target{t}, nil
	}
	var found []providers.Target
	for _, d := range n.documents() {
		if d.AllowsModel(name) && n.has(d, name) {
			found = append(found, providers.Target{Resource: d.Resource, Model: name})
		}
	}
	switch documents := n.documents(); {
	case len(found) == 1:
		return found, nil
	case len(found) > 1:
		return nil, plugins.Invalid("model", "several providers of this app have a model of this name; write "+names(found))
	case len(documents) == 1:
		return []providers.Target{{Resource: documents[0].Resource, Model: name}}, nil // whatever the policy says of it
	}
	return nil, &policy.Denied{
		Rule: "models", Code: policy.CodeModelNotAllowed,
		Message: "none of this app's providers is known to have this model; write provider/model, such as groq/llama-3.3-70b-versatile. GET /v1/models lists what may be used",
	}
}

// qualified reads provider/model, for a provider that there is.
func (n naming) qualified(name string) (providers.Target, bool) {
	provider, model, ok := strings.Cut(name, "/")
	if !ok || provider == "" || model == "" {
		return providers.Target{}, false
	}
	_, known := n.providers.Lookup(modelKind + provider)
	return providers.Target{Resource: modelKind + provider, Model: model}, known
}

// documents are those of the app's permissions that are about models.
func (n naming) documents() []policy.Document {
	var all []policy.Document
	for _, p := range n.permissions {
		if strings.HasPrefix(p.Document.Resource, modelKind) {
			all = append(all, p.Document)
		}
	}
	return all
}

// has says that a provider is known to have a model: by its price, or because
// the owner has written its name.
func (n naming) has(d policy.Document, model string) bool {
	_, priced := n.prices.Rate(d.Resource, model)
	return priced || slices.Contains(d.Models, model)
}

// list names everything the app may use of what can be asked: aliases first,
// then by provider.
func (n naming) list(canAsk func(providers.Target) bool) []string {
	var all []string
	for _, alias := range n.providers.Aliases() {
		if slices.ContainsFunc(alias.Targets, func(t providers.Target) bool { return n.allowed(t) && canAsk(t) }) {
			all = append(all, alias.Name)
		}
	}
	for _, d := range n.documents() {
		if !canAsk(providers.Target{Resource: d.Resource}) {
			continue
		}
		models := slices.Clone(literal(d.Models))
		for _, e := range n.prices.List(d.Resource) {
			models = append(models, literal([]string{e.Model})...)
		}
		slices.Sort(models)
		for _, model := range slices.Compact(models) {
			if d.AllowsModel(model) {
				all = append(all, providers.Target{Resource: d.Resource, Model: model}.String())
			}
		}
	}
	return all
}

// allowed says that some permission lets a target be named.
func (n naming) allowed(t providers.Target) bool {
	return slices.ContainsFunc(n.documents(), func(d policy.Document) bool {
		return d.Resource == t.Resource && d.AllowsModel(t.Model)
	})
}

// literal leaves out what only stands for names.
func literal(globs []string) []string {
	var all []string
	for _, g := range globs {
		if !strings.ContainsAny(g, "*?") {
			all = append(all, g)
		}
	}
	return all
}

func names(targets []providers.Target) string {
	var all []string
	for _, t := range targets[:min(len(targets), maxNamed)] {
		all = append(all, t.String())
	}
	last := len(all) - 1
	return fmt.Sprintf("%s or %s", strings.Join(all[:last], ", "), all[last])
}
