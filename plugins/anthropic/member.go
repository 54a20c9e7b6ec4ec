package anthropic

import (
	"github.com/go-json-experiment/json"

	"github.com/keywicket/keywicket/plugins"
)

// shared are the top-level members of both kinds of request with a prompt.
func shared() []string {
	return []string{
		"cache_control", "context_management", "mcp_servers", "messages", "model", "output_config", "output_format",
		"speed", "system", "thinking", "tool_choice", "tools",
	}
}

// messageMembers are the top-level members of a message request that are
// forwarded: all that Anthropic documents, but those by which another model
// answers (fallbacks, fallback_credit_token) and compaction, whose tokens no
// output cap bounds.
func messageMembers() []string {
	return append(shared(), "container", "diagnostics", "inference_geo", "max_tokens", "metadata", "service_tier",
		"stop_sequences", "stream", "temperature", "top_k", "top_p")
}

// countMembers are those of a request to count tokens.
func countMembers() []string { return shared() }

// decisive are the members the dialect reads facts from.
func decisive() []string {
	return []string{
		"model", "stream", "max_tokens", "messages", "system", "tools", "mcp_servers", "container", "thinking",
		"speed", "inference_geo", "service_tier", "context_management", "output_config", "output_format",
	}
}

// checkPrice refuses what multiplies the price of every token: fast mode, and
// inference that is kept in one region. A service tier does not: "auto", which
// is also what counts without the member, draws on capacity the owner has paid
// for already.
func checkPrice(body *plugins.Object) error {
	for _, m := range []struct{ name, normal string }{{"speed", "standard"}, {"inference_geo", "global"}} {
		value, given, err := body.String(m.name)
		if err != nil {
			return err
		}
		if given && value != m.normal {
			return plugins.Invalid(m.name, m.name+" other than \""+m.normal+"\" has a price of its own, which the gateway does not know; leave it out")
		}
	}
	return nil
}

// checkContextManagement lets through what takes something out of the context.
// Other edits, such as compaction, have a model write, outside of the output cap.
func checkContextManagement(body *plugins.Object) error {
	raw, given := body.Value("context_management")
	if !given || raw.Kind() == 'n' {
		return nil
	}
	var management struct {
		Edits []struct {
			Type string `json:"type"`
		} `json:"edits"`
	}
	if err := json.Unmarshal(raw, &management); err != nil {
		return plugins.Invalid("context_management", "context_management must be an object with a list of edits")
	}
	for _, edit := range management.Edits {
		if edit.Type != "clear_tool_uses_20250919" && edit.Type != "clear_thinking_20251015" {
			return plugins.Invalid("context_management", "the gateway forwards the edits clear_tool_uses_20250919 and clear_thinking_20251015 only; leave the others out")
		}
	}
	return nil
}
