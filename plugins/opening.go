package plugins

import "strings"

// Opening is one endpoint that a manifest opens: what an app may call, and where
// the call goes.
type Opening struct {
	Action   string   `json:"action"`
	Method   string   `json:"method"`
	Path     string   `json:"path"`     // of the gateway, such as /r/llm/openai/chat/completions
	Upstream string   `json:"upstream"` // the provider's URL
	Query    []string `json:"query,omitzero"`
}

// Opens lists what m opens, in its own order: the dry run of adding it. Dialects
// may take a path in a second spelling too (with a leading /v1, say), never for
// anything else.
func Opens(m Manifest) []Opening {
	all := make([]Opening, len(m.Actions))
	for i, a := range m.Actions {
		all[i] = Opening{
			Action: a.Name, Method: a.Method, Query: a.Query,
			Path:     "/r/" + strings.Replace(m.ID, ":", "/", 1) + a.Path,
			Upstream: strings.TrimSuffix(m.BaseURL, "/") + a.Path,
		}
	}
	if m.OpenAI == nil {
		return all
	}
	for _, a := range m.OpenAI.Actions {
		all = append(all, Opening{
			Action: a.Name, Method: a.Method, Path: "/v1" + a.Path,
			Upstream: strings.TrimSuffix(m.BaseURL, "/") + m.OpenAI.Path + a.Path,
		})
	}
	return all
}
