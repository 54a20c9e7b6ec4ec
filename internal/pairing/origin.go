package pairing

import (
	"maps"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
)

// MayRead says whether web pages of an origin may read what this gateway
// answers about a resource: some app that is not revoked has been granted the
// resource for that origin. Which app asks is not known while a browser only
// inquires; the policy judges the request itself.
func (p *Pairing) MayRead(origin, resource string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for id, of := range p.live.permissions {
		if perm, has := of[resource]; has && p.live.apps[id].Status.known() && slices.Contains(perm.Document.Origins, origin) {
			return true
		}
	}
	return false
}

// MayPair says whether web pages of an origin may use the OAuth endpoints: an
// app that is not revoked is answered there or has been granted something for
// it, or the owner has named it in a pairing string that can be redeemed.
func (p *Pairing) MayPair(origin string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, s := range p.live.offered {
		if p.now().Before(s.ExpiresAt) && names(s.Preset, origin) {
			return true
		}
	}
	for id, app := range p.live.apps {
		if !app.Status.known() {
			continue
		}
		if slices.ContainsFunc(app.RedirectURIs, func(uri string) bool { return originOf(uri) == origin }) || names(app.Preset, origin) {
			return true
		}
		for _, perm := range p.live.permissions[id] {
			if slices.Contains(perm.Document.Origins, origin) {
				return true
			}
		}
	}
	return false
}

func names(documents []policy.Document, origin string) bool {
	return slices.ContainsFunc(documents, func(d policy.Document) bool { return slices.Contains(d.Origins, origin) })
}

// loadOffered reads the open pairing strings that name origins.
func (p *Pairing) loadOffered(tx *store.Tx) error {
	all, err := stringRecords.All(tx)
	p.live.offered = map[string]stringRecord{}
	for hash, s := range all {
		p.live.offer(hash, s, p.now())
	}
	return err
}

// offer remembers a string while it names origins and can be redeemed, and
// forgets those that cannot any more.
func (l *live) offer(hash string, s stringRecord, now time.Time) {
	l.offered[hash] = s
	maps.DeleteFunc(l.offered, func(_ string, s stringRecord) bool {
		return s.Status != stringOpen || !now.Before(s.ExpiresAt) || len(s.Preset) == 0
	})
}

// originOf is the origin of a redirect URI, as a browser names it.
func originOf(uri string) string {
	u, err := redirectURL(uri)
	if err != nil {
		return ""
	}
	return browserOrigin(u)
}
