package price

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds on a catalog.
const (
	// MaxCatalogBytes bounds the JSON of a catalog.
	MaxCatalogBytes = 32 << 20

	maxProviders  = 2000
	maxModels     = 100_000
	maxTiers      = 16
	maxModelBytes = 128 // as the policy compares names
	maxTokens     = 1_000_000_000_000
)

// carried is a snapshot of the models.dev catalog; its licence lies beside it.
//
//go:embed catalog.json
var carried []byte

// catalog is what is known, by resource and model.
type catalog map[string]map[string]known

// known is a model of a catalog. One that is not priced has bounds only.
type known struct {
	Priced bool `json:"priced,omitzero"`
	Rate   Rate `json:"rate"`
}

// rawProvider and the rest are the shape of models.dev's api.json.
type rawProvider struct {
	Models map[string]rawModel `json:"models"`
}

type rawModel struct {
	Cost      *rawCost `json:"cost"`
	Reasoning bool     `json:"reasoning"`
	Output    struct {
		Kinds []string `json:"output"`
	} `json:"modalities"`
	Limit struct {
		Context jsontext.Value `json:"context"`
		Output  jsontext.Value `json:"output"`
	} `json:"limit"`
}

type rawCost struct {
	rawPrices
	Request  jsontext.Value `json:"request"`
	Tiers    []rawTier      `json:"tiers"`
	Over200k *rawPrices     `json:"context_over_200k"`
}

type rawTier struct {
	rawPrices
	Tier struct {
		Size jsontext.Value `json:"size"`
		Type string         `json:"type"`
	} `json:"tier"`
}

type rawPrices struct {
	Input       jsontext.Value `json:"input"`
	Output      jsontext.Value `json:"output"`
	CacheRead   jsontext.Value `json:"cache_read"`
	CachedInput jsontext.Value `json:"cached_input"` // another name for it
	CacheWrite  jsontext.Value `json:"cache_write"`
	Reasoning   jsontext.Value `json:"reasoning"`
}

// readCatalog reads a catalog in the shape of models.dev's api.json. What it
// does not know is left out, and so are models whose names no request can
// carry; what it knows must be right. Errors wrap [ErrCatalog].
func readCatalog(data []byte) (catalog, error) {
	if len(data) > MaxCatalogBytes {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrCatalog, MaxCatalogBytes)
	}
	var providers map[string]rawProvider
	if err := json.Unmarshal(data, &providers); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrCatalog, misread(err))
	}
	if len(providers) > maxProviders {
		return nil, fmt.Errorf("%w: it has more than %d providers", ErrCatalog, maxProviders)
	}
	all := catalog{}
	// In order, "google" comes after a "gemini" and counts in its place.
	for _, id := range slices.Sorted(maps.Keys(providers)) {
		if !nameable(id) {
			continue
		}
		read, err := providers[id].read()
		if err != nil {
			return nil, fmt.Errorf("%w: provider %s: %w", ErrCatalog, cut(id), err)
		}
		all[resource(id)] = read
	}
	models, _ := all.count()
	if models == 0 || models > maxModels {
		return nil, fmt.Errorf("%w: it has %d models; 1 to %d are expected", ErrCatalog, models, maxModels)
	}
	return all, nil
}

// resource is what a catalog's provider is called here.
func resource(provider string) string {
	switch provider {
	case "google":
		provider = "gemini"
	case "togetherai":
		provider = "together"
	case "fireworks-ai":
		provider = "fireworks"
	}
	return "llm:" + provider
}

// misread says where JSON is not what it should be.
func misread(err error) string {
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		return "at " + cut(string(wrong.JSONPointer)) + ", " + wrong.JSONKind.String() + " is not expected"
	}
	if broken, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return "at " + cut(string(broken.JSONPointer)) + ", a name appears twice"
		}
		return fmt.Sprintf("it is not valid JSON (at byte %d)", broken.ByteOffset)
	}
	return "it is not valid JSON"
}

func (p rawProvider) read() (map[string]known, error) {
	all := make(map[string]known, len(p.Models))
	for id, m := range p.Models {
		if !nameable(id) {
			continue
		}
		k, err := m.read()
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", cut(id), err)
		}
		all[id] = k
	}
	return all, nil
}

// nameable says that a request can carry the name, and a policy compare it.
func nameable(model string) bool {
	for i := range len(model) {
		if model[i] <= ' ' || model[i] > '~' {
			return false
		}
	}
	return model != "" && len(model) <= maxModelBytes
}

// read is a model's price and bounds. Without a price for both input and
// output it is not priced: the rest of its price is not known to be nothing.
// Nor is a model that makes more than text for no price at all: such are paid
// by the piece, which the catalog does not say.
func (m rawModel) read() (known, error) {
	var r numbers
	k := known{Rate: Rate{
		MaxContext: r.tokens("limit.context", m.Limit.Context),
		MaxOutput:  r.tokens("limit.output", m.Limit.Output),
		Hidden:     m.Reasoning,
	}}
	if m.Cost == nil {
		return k, r.err
	}
	base, both := r.prices("cost", m.Cost.rawPrices, Tier{})
	tiers := r.tiers(*m.Cost, base)
	request, _ := r.dollars("cost.request", m.Cost.Request)
	if both && !(m.makesMore() && base.Input == 0 && base.Output == 0) {
		k.Priced = true
		k.Rate.Input, k.Rate.Output, k.Rate.CacheRead, k.Rate.CacheWrite = base.Input, base.Output, base.CacheRead, base.CacheWrite
		k.Rate.Tiers = tiers
		k.Rate.Request = perThousand(request)
	}
	return k, r.err
}

// makesMore says that the model gives more than text: pictures, sound.
func (m rawModel) makesMore() bool {
	return slices.ContainsFunc(m.Output.Kinds, func(kind string) bool { return kind != "text" })
}

// cut shows foreign text.
func cut(text string) string {
	const most = 96
	return strconv.QuoteToASCII(text[:min(len(text), most)])
}
