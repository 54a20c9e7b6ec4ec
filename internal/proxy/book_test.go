package proxy

import (
	"github.com/keywicket/keywicket/internal/providers"
)

// own adds a manifest of the owner's.
func (b *bench) own(manifest string, replace bool) {
	b.Helper()
	_, err := b.book.Add([]byte(manifest), providers.Consent{Replace: replace, Private: true})
	b.must(err)
}
