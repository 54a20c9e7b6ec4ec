package plugins

import (
	"net/url"
	"slices"
	"strings"
)

// The names by which chats in OpenAI's dialect bound their output, as a
// manifest's output_cap says. OpenAI's own models obey either, but refuse both
// together; others ignore or refuse the name they do not know.
const (
	OutputCapOld    = "max_tokens"            // the first name; the other is never sent
	OutputCapNew    = "max_completion_tokens" // its successor; the other is never sent
	OutputCapEither = "either"                // the client's choice, or the new one
	OutputCapBoth   = "both"                  // always both, for servers nobody has asked
)

func outputCaps() []string {
	return []string{OutputCapOld, OutputCapNew, OutputCapEither, OutputCapBoth}
}

// outputCapProblem says what is wrong with a manifest's output_cap, or nothing.
func (m Manifest) outputCapProblem() string {
	switch {
	case m.OutputCap == "":
		return ""
	case !slices.Contains(outputCaps(), m.OutputCap):
		return "must be one of " + strings.Join(outputCaps(), ", ")
	case m.Dialect != openAIDialect && m.OpenAI == nil:
		return "must be left out: the provider does not speak OpenAI's dialect"
	}
	return ""
}

// SpellsOutputCap is the manifest's output_cap, or where it has none what its
// address tells: OpenAI and Azure take either name, and of any other server
// nothing is known.
func (m Manifest) SpellsOutputCap() string {
	if m.OutputCap != "" {
		return m.OutputCap
	}
	base, err := url.Parse(m.BaseURL)
	if err != nil {
		return OutputCapBoth
	}
	host := "." + strings.ToLower(base.Hostname())
	for _, known := range []string{".api.openai.com", ".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"} {
		if strings.HasSuffix(host, known) {
			return OutputCapEither
		}
	}
	return OutputCapBoth
}
