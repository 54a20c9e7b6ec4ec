package dpop

import (
	"strings"
	"sync"
)

// headerCache keeps checked headers by their encoded bytes: an app's header is the same in each of its proofs, and
// reading it costs more than looking it up. Only headers whose signature has held get in. Two generations bound it:
// when the young one is full, the old one goes.
type headerCache struct {
	mu         sync.RWMutex
	young, old map[string]*header
}

const (
	maxCachedHeaders     = 16384 // per generation; one takes less than a kilobyte
	maxCachedHeaderBytes = 1024  // longer ones are read again each time
)

// get gives the cached header, or nil.
func (c *headerCache) get(segment string) *header {
	c.mu.RLock()
	found, young := c.young[segment]
	if !young {
		found = c.old[segment]
	}
	c.mu.RUnlock()
	if !young && found != nil {
		c.put(segment, found)
	}
	return found
}

func (c *headerCache) put(segment string, checked *header) {
	if len(segment) > maxCachedHeaderBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= maxCachedHeaders {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = make(map[string]*header)
	}
	// The segment is a part of the whole HTTP header; keeping it would keep all of that.
	c.young[strings.Clone(segment)] = checked
}
