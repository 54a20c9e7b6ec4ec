package policy

import (
	"strings"

	"github.com/keywicket/keywicket/internal/policy/wildcard"
)

// bareModel drops the "models/" that Gemini puts before its model names.
func bareModel(model string) string { return strings.TrimPrefix(model, "models/") }

// countedModel is what a limit's model is known by among counters. One that
// matches every name is no model, however it is written: to spell a limit
// anew must not start its count anew.
func countedModel(glob string) string {
	if bare := bareModel(glob); strings.Trim(bare, "*") != "" {
		return bare
	}
	return ""
}

// matchModel says whether a glob matches the whole of a model's name.
func matchModel(glob, model string) bool {
	return wildcard.Match(bareModel(glob), bareModel(model))
}

// covers says that a counter's model matches all that another's does. In doubt
// it says so.
func covers(wide, narrow string) bool {
	return wide == "" || narrow != "" && matchModel(wide, narrow)
}

// overlap says whether some name matches the models of two counters.
func overlap(one, other string) bool {
	if one == "" || other == "" {
		return true
	}
	// From row i and column j on, the rests of both have a name in common.
	below := make([]bool, len(other)+1)
	for i := len(one); i >= 0; i-- {
		row := make([]bool, len(other)+1)
		for j := len(other); j >= 0; j-- {
			hasOne, hasOther := i < len(one), j < len(other)
			switch {
			case !hasOne && !hasOther:
				row[j] = true
			case hasOne && one[i] == '*':
				row[j] = below[j] || hasOther && row[j+1]
			case hasOther && other[j] == '*':
				row[j] = row[j+1] || hasOne && below[j]
			case hasOne && hasOther:
				row[j] = (one[i] == other[j] || one[i] == '?' || other[j] == '?') && below[j+1]
			}
		}
		below = row
	}
	return below[0]
}

// matchingModel returns the first glob that matches.
func matchingModel(globs []string, model string) (string, bool) {
	for _, g := range globs {
		if matchModel(g, model) {
			return g, true
		}
	}
	return "", false
}
