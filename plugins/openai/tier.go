package openai

import (
	"slices"

	"github.com/keywicket/keywicket/plugins"
)

// checkTier refuses service tiers that cost more than the price table says. With
// auto OpenAI takes the tier of the project, which may be one of those: it
// becomes default there. A request that names none has the project's tier, which
// is the owner's choice.
func checkTier(body *plugins.Object, provider string) error {
	tier, ok, err := body.String("service_tier")
	switch {
	case err != nil || !ok:
		return err
	case !slices.Contains([]string{"auto", "default", "flex", "on_demand"}, tier):
		return plugins.Invalid("service_tier", `service_tier must be auto, default, flex or on_demand: other tiers have prices the gateway cannot count`)
	case tier == "auto" && provider == "llm:openai":
		return body.Set("service_tier", []byte(`"default"`))
	}
	return nil
}
