package proxy

import (
	"context"
	"sync"
)

// running knows every exchange that may reach, or has reached, a provider.
//
// An exchange registers before its rights are looked at for the last time. A
// change that takes rights away is made visible first and only then reported
// here. So either the exchange sees the change itself or the cut finds the
// exchange: there is no moment at which both miss.
type running struct {
	limit, share int    // exchanges at a time, in all and of one app
	turns        *turns // to count inputs

	mu       sync.Mutex
	entries  map[*entry]struct{}
	byApp    map[string]int
	closing  bool
	drained  chan struct{} // closed when closing and no entry is left
	finished bool          // drained is closed
}

// entry is one running exchange; cancel stops it, naming the refusal.
type entry struct {
	appID, sessionID string
	cancel           context.CancelCauseFunc
	rights           rights
}

func newRunning(limit, share int) *running {
	return &running{
		limit: limit, share: share, turns: newTurns(),
		entries: map[*entry]struct{}{}, byApp: map[string]int{}, drained: make(chan struct{}),
	}
}

// add registers e. Errors: errShuttingDown, errCrowded, errAppCrowded.
func (r *running) add(e *entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closing:
		return errShuttingDown
	case len(r.entries) >= r.limit:
		return errCrowded
	case r.byApp[e.appID] >= r.share:
		return errAppCrowded
	}
	r.entries[e] = struct{}{}
	r.byApp[e.appID]++
	return nil
}

func (r *running) remove(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, e)
	if r.byApp[e.appID]--; r.byApp[e.appID] == 0 {
		delete(r.byApp, e.appID)
	}
	r.noteDrained()
}

func (r *running) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}

// cut cancels the entries that match and returns how many there were. It does
// not wait for them: whoever asked may hold locks.
func (r *running) cut(cause error, match func(*entry) bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for e := range r.entries {
		if match(e) {
			e.cancel(cause)
			n++
		}
	}
	return n
}

// matching lists the entries that match.
func (r *running) matching(match func(*entry) bool) []*entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*entry
	for e := range r.entries {
		if match(e) {
			all = append(all, e)
		}
	}
	return all
}

// close refuses new entries from now on; the channel is closed when the last
// one has left.
func (r *running) close() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
	r.noteDrained()
	return r.drained
}

func (r *running) noteDrained() {
	if r.closing && !r.finished && len(r.entries) == 0 {
		r.finished = true
		close(r.drained)
	}
}

func everyone(*entry) bool { return true }
