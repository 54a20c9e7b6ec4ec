package plugins

import (
	"fmt"
)

// openAIDialect is the name of the dialect that a [Side] speaks.
const openAIDialect = "openai"

// Side is where a provider can be spoken to as if it were OpenAI, with the same
// key as a bearer token. The gateway's own /v1/... leads there; permissions
// name its actions beside the provider's own.
type Side struct {
	Path    string   `json:"path,omitzero"` // follows the base URL, such as /openai; empty: there is nothing between
	Actions []Action `json:"actions"`       // 1 to 64, of the openai dialect
}

// OpenAISide is the manifest of the provider as it can be spoken to in OpenAI's
// dialect: m itself where that is its own, false where there is none.
func (m Manifest) OpenAISide() (Manifest, bool) {
	switch {
	case m.Dialect == openAIDialect:
		return m, true
	case m.OpenAI == nil:
		return Manifest{}, false
	}
	return Manifest{
		ID: m.ID, Title: m.Title, BaseURL: m.BaseURL, Below: m.OpenAI.Path, Dialect: openAIDialect,
		Credential: Credential{Header: "Authorization", Prefix: "Bearer "},
		Actions:    m.OpenAI.Actions, AllowPrivate: m.AllowPrivate, OutputCap: m.OutputCap, Docs: m.Docs,
	}, true
}

// checkSide refuses an action that has the name of another: permissions could
// not tell them apart, and one may cost what the other does not.
func (m Manifest) checkSide() error {
	if m.OpenAI == nil {
		return nil
	}
	bad := func(member, problem string) error {
		return &ManifestError{Member: "openai" + member, Problem: problem}
	}
	path, ok := parsePattern(m.OpenAI.Path)
	switch {
	case m.Dialect == openAIDialect:
		return bad("", "must be left out: this is the provider's own dialect")
	case m.Credential.None:
		return bad("", "must be left out: the provider has no keys to send there")
	case m.OpenAI.Path != "" && (!ok || path.shape() != m.OpenAI.Path):
		return bad(".path", `must be plain segments after a leading slash, such as "/openai", or be left out`)
	case len(m.OpenAI.Actions) == 0 || len(m.OpenAI.Actions) > maxActions:
		return bad(".actions", fmt.Sprintf("must list 1 to %d actions", maxActions))
	}
	seen := make(map[string]bool)
	for i, a := range m.OpenAI.Actions {
		if err := a.check(seen); err != nil {
			return bad(fmt.Sprintf(".actions.%d.%s", i, err.Member), err.Problem)
		}
		for _, own := range m.Actions {
			if own.Name == a.Name && a.Name != "models.list" {
				return bad(fmt.Sprintf(".actions.%d.name", i), "names an action of the provider's own side")
			}
		}
	}
	return nil
}
