package pairing

import (
	"strings"
	"sync"
)

// tokenCache keeps the claims of access tokens whose signature has held: an
// app sends the same token for minutes, and what its signature says does not
// change. What may change is looked at each time: expiry, session, app. Two
// generations bound it: when the young one is full, the old one goes.
type tokenCache struct {
	mu         sync.RWMutex
	young, old map[string]*knownToken
}

// knownToken is what a token says, and the hash that proofs name it by. It does
// not change.
type knownToken struct {
	claims claims
	hash   string
}

// maxCachedTokens is per generation; a token takes about a kilobyte. Ten
// thousand apps that take turns all find theirs.
const maxCachedTokens = 16384

// get is what is known of a token, nil for nothing.
func (c *tokenCache) get(token string) *knownToken {
	c.mu.RLock()
	found, young := c.young[token]
	if !young {
		found = c.old[token]
	}
	c.mu.RUnlock()
	if found != nil && !young {
		c.put(token, found)
	}
	return found
}

func (c *tokenCache) put(token string, checked *knownToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= maxCachedTokens {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = make(map[string]*knownToken)
	}
	// The token is a part of a whole HTTP header; keeping it would keep that.
	c.young[strings.Clone(token)] = checked
}
