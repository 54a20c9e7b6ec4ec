package ui

import (
	"testing"

	"github.com/keywicket/keywicket/internal/audit"
)

// TestEveryKindHasWords shows that no event reaches the owner as its bare kind.
func TestEveryKindHasWords(t *testing.T) {
	t.Parallel()
	for _, kind := range audit.Kinds() {
		if kindWords[kind] == "" {
			t.Errorf("%s has no words", kind)
		}
	}
	if len(kindWords) != len(audit.Kinds()) {
		t.Errorf("%d rows of words for %d kinds", len(kindWords), len(audit.Kinds()))
	}
}
