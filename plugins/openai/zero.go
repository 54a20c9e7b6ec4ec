package openai

import (
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

// believed is a report without a stated cost of nothing, which says only that the
// server does not count, but for OpenRouter's models that are free by their name.
func (m *meter) believed(u plugins.Usage) plugins.Usage {
	if u.CostStated && u.Cost == 0 && !strings.HasSuffix(m.note.model, ":free") {
		u.CostStated = false
	}
	return u
}

// complete reports whether a report says all: no request is without input, and
// output that went by was some. Where the report has nothing of one of them it is
// no last word. The length of a recording is all that its price goes by.
func (m *meter) complete(u plugins.Usage) bool {
	return u.InputTokens > 0 && (u.OutputTokens > 0 || m.timed || m.Seen() == 0)
}
