package admin

import (
	"net/http"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

// DefaultTerm is how long a permission lasts when neither its document nor the
// owner says so. "Forever" has to be a choice, not an omission.
const DefaultTerm = 30 * 24 * time.Hour

const maxTerm = 36525 * 24 * time.Hour // a hundred years

// check refuses a Term that contradicts itself.
func (t Term) check() error {
	if t.Seconds < 0 || t.Seconds > int64(maxTerm/time.Second) {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "--expires must lie between a second and a hundred years")
	}
	if t.Seconds > 0 && t.Forever {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "--expires and --forever contradict each other; give one of them")
	}
	return nil
}

// apply returns documents with their ends set as the owner chose, and whether
// any of them got DefaultTerm.
func (t Term) apply(documents []policy.Document, now time.Time) (ended []policy.Document, defaulted bool) {
	now = now.Truncate(time.Second)
	for _, document := range documents {
		switch {
		case t.Seconds > 0:
			document.ExpiresAt = now.Add(time.Duration(t.Seconds) * time.Second)
		case document.ExpiresAt.IsZero() && !t.Forever:
			document.ExpiresAt = now.Add(DefaultTerm)
			defaulted = true
		}
		ended = append(ended, document)
	}
	return ended, defaulted
}

// words pairs documents with their meaning in the owner's time zone.
func (a *Admin) words(documents []policy.Document) []Terms {
	terms := make([]Terms, 0, len(documents))
	for _, document := range documents {
		terms = append(terms, Terms{Document: document, Words: document.Sentences(a.cfg.Zone)})
	}
	return terms
}
