package proxy

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/keywicket/keywicket/plugins"
)

const (
	retryMemory   = 15 * time.Minute // after an attempt has ended
	maxRetries    = 16 << 10         // attempts remembered
	maxAppRetries = 1 << 10          // of one app
	freeRetries   = 3                // that count no request of their own
)

// retries remembers attempts by the Idempotency-Key that clients choose, so
// that a request which its client sends again counts once, does not run beside
// itself, and is not mistaken for another that has the same key by accident.
//
// Keys and bodies are kept as hashes. What does not fit is forgotten, the
// app's own oldest first: a retry that nobody remembers counts like any request.
type retries struct {
	limit, share int // attempts, in all and of one app

	mu    sync.Mutex
	all   map[retryKey]*attempt
	byApp map[string]*appRetries
}

type (
	retryKey  [sha256.Size]byte
	retryBody [sha256.Size]byte
)

// appRetries are an app's attempts: how many, and those that have ended, the
// oldest first.
type appRetries struct {
	count int
	ended list.List // of *attempt
}

// attempt is a request as its client means it, however often it is sent.
type attempt struct {
	key     retryKey
	appID   string
	body    retryBody
	running bool
	retried bool          // the one running counts no request of its own
	unheard bool          // one was charged, and nothing of an answer reached the client
	free    int           // times that this was made good
	ended   time.Time     // when the last one ended
	place   *list.Element // among the ended ones of the app; nil while running
}

func newRetries(limit, share int) *retries {
	return &retries{limit: limit, share: share, all: map[retryKey]*attempt{}, byApp: map[string]*appRetries{}}
}

// begin takes note of an attempt, which must be ended; nil when it cannot be
// remembered. Errors: errKeyReused, errInProgress.
func (r *retries) begin(appID string, key retryKey, body retryBody, now time.Time) (*attempt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.find(key, now)
	switch {
	case a == nil:
		return r.remember(appID, key, body), nil
	case a.body != body:
		return nil, errKeyReused
	case a.running:
		return nil, errInProgress
	}
	r.byApp[appID].ended.Remove(a.place)
	a.place, a.running = nil, true
	a.retried = a.unheard && a.free < freeRetries
	return a, nil
}

// end takes note of how an attempt went: charged, if it cost anything, and
// heard, if a byte of an answer went to the client.
func (r *retries) end(a *attempt, charged, heard bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case charged && a.retried:
		a.free++
		a.unheard = !heard
	case charged:
		a.unheard = !heard
	case a.ended.IsZero(): // nothing has happened under this key
		r.drop(a)
		return
	}
	a.running, a.retried, a.ended = false, false, now
	a.place = r.byApp[a.appID].ended.PushBack(a)
}

// find looks an attempt up that is not too old. r.mu is held.
func (r *retries) find(key retryKey, now time.Time) *attempt {
	a := r.all[key]
	if a != nil && !a.running && now.Sub(a.ended).Abs() >= retryMemory { // before it too, if the clock was set back
		r.drop(a)
		return nil
	}
	return a
}

func (r *retries) remember(appID string, key retryKey, body retryBody) *attempt {
	if !r.makeRoom(appID) {
		return nil
	}
	of := r.byApp[appID]
	if of == nil {
		of = &appRetries{}
		r.byApp[appID] = of
	}
	of.count++
	a := &attempt{key: key, appID: appID, body: body, running: true}
	r.all[key] = a
	return a
}

// makeRoom forgets one attempt that has ended where there is no room for
// another: of the app, or else of any.
func (r *retries) makeRoom(appID string) bool {
	of := r.byApp[appID]
	full := len(r.all) >= r.limit
	if !full && (of == nil || of.count < r.share) {
		return true
	}
	if of != nil && r.dropOldest(of) {
		return true
	}
	if of != nil && of.count >= r.share {
		return false
	}
	for _, other := range r.byApp {
		if r.dropOldest(other) {
			return true
		}
	}
	return false
}

func (r *retries) dropOldest(of *appRetries) bool {
	oldest := of.ended.Front()
	if oldest == nil {
		return false
	}
	r.drop(oldest.Value.(*attempt))
	return true
}

func (r *retries) drop(a *attempt) {
	delete(r.all, a.key)
	of := r.byApp[a.appID]
	if a.place != nil {
		of.ended.Remove(a.place)
	}
	if of.count--; of.count == 0 {
		delete(r.byApp, a.appID)
	}
}

// recall looks whether the request has been tried before. It reads the key as
// the provider will: one that is given twice, or too long, is none.
func (x *exchange) recall() (err error) {
	const header = "Idempotency-Key"
	if x.request.Header[header] == nil {
		return nil
	}
	key := plugins.AllowHeader(x.request.Header, header).Get(header)
	if key == "" {
		return nil
	}
	body, err := x.body.sum()
	if err != nil {
		return err
	}
	x.attempt, err = x.p.retries.begin(x.caller.App.ID,
		retryKey(hashed([]byte(x.caller.App.ID), []byte(x.where()), []byte(key))),
		retryBody(hashed([]byte(x.request.Method), []byte(x.path), []byte(x.request.URL.RawQuery), body[:])),
		x.p.cfg.Clock())
	if x.attempt != nil {
		x.facts.Retry = x.attempt.retried
	}
	return err
}

// where is what a key of the client's belongs to.
func (x *exchange) where() string {
	if x.unified != nil {
		return UnifiedPrefix // whichever provider it was that time
	}
	return x.resource
}

// hashed is the SHA-256 of parts, each with its length before it.
func hashed(parts ...[]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}
