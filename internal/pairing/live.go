package pairing

import (
	"crypto/ed25519"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// live is everything that requests are checked against, in memory.
type live struct {
	state       gatewayState
	apps        map[string]appRecord
	permissions map[string]map[string]Permission // by app, then resource
	sessions    map[string]*liveSession
	refresh     map[string]*liveSession // by hash of the refresh token
	requests    map[string]*liveRequest
	device      map[string]*liveRequest // by hash of the device code
	pushed      map[string]*liveRequest // by hash of the request_uri
	codes       map[string]*liveRequest // by hash of the authorization code
	owed        owed
	offered     map[string]stringRecord // open pairing strings with a preset, by hash of the code
}

// liveSession is a session and when it was last used, which changes without a
// lock and reaches the store with the next renewal.
type liveSession struct {
	record sessionRecord
	used   atomic.Int64 // seconds since the epoch
}

// liveRequest is a consent request and how its app polls. The pace is lost in
// a restart, which costs nothing.
type liveRequest struct {
	record   requestRecord
	polled   time.Time
	interval time.Duration
}

func newLiveSession(r sessionRecord) *liveSession {
	s := &liveSession{record: r}
	s.used.Store(r.LastUsedAt.Unix())
	return s
}

// touch notes that the session is in use.
func (s *liveSession) touch(now time.Time) {
	if at := now.Unix(); at > s.used.Load() {
		s.used.Store(at)
	}
}

// current is the record with the time of last use as it is now.
func (s *liveSession) current() sessionRecord {
	r := s.record
	r.LastUsedAt = time.Unix(s.used.Load(), 0).UTC()
	return r
}

// idle says whether the session has expired for want of use.
func (s *liveSession) idle(now time.Time) bool {
	return now.Unix() >= s.used.Load()+int64(IdleExpiry/time.Second)
}

func (l *live) addSession(s *liveSession) {
	l.sessions[s.record.ID] = s
	l.refresh[s.record.RefreshHash] = s
}

func (l *live) dropSession(s *liveSession) {
	delete(l.sessions, s.record.ID)
	delete(l.refresh, s.record.RefreshHash)
}

// addRequest makes a request findable by all that it has; again when it has
// got a code.
func (l *live) addRequest(r *liveRequest) {
	l.requests[r.record.ID] = r
	for _, key := range l.requestKeys(r) {
		key.in[key.hash] = r
	}
}

func (l *live) dropRequest(r *liveRequest) {
	delete(l.requests, r.record.ID)
	for _, key := range l.requestKeys(r) {
		delete(key.in, key.hash)
	}
}

type requestKey struct {
	in   map[string]*liveRequest
	hash string
}

// requestKeys are the hashes a request has. One that it has not must not be
// looked up as the empty text.
func (l *live) requestKeys(r *liveRequest) []requestKey {
	all := []requestKey{{l.device, r.record.DeviceHash}, {l.pushed, r.record.Pushed.URIHash}, {l.codes, r.record.Pushed.CodeHash}}
	return slices.DeleteFunc(all, func(k requestKey) bool { return k.hash == "" })
}

func (l *live) addPermission(perm Permission) {
	if l.permissions[perm.AppID] == nil {
		l.permissions[perm.AppID] = map[string]Permission{}
	}
	l.permissions[perm.AppID][perm.Document.Resource] = perm
}

// appSessions are an app's live sessions, in no order.
func (l *live) appSessions(appID string) []*liveSession {
	var of []*liveSession
	for _, s := range l.sessions {
		if s.record.AppID == appID {
			of = append(of, s)
		}
	}
	return of
}

// load fills live from the store and lets go of what has expired.
func (p *Pairing) load() error {
	return p.cfg.Store.Update(func(tx *store.Tx) error {
		if err := p.loadGateway(tx); err != nil {
			return err
		}
		return errors.Join(p.loadApps(tx), p.loadSessions(tx), p.loadRequests(tx), p.sweepStrings(tx), p.loadOffered(tx))
	})
}

// loadGateway reads the signing key and whether the gateway is frozen. Both
// records are made at the first start; if only the second is missing later on,
// somebody removed it, and the gateway starts frozen.
func (p *Pairing) loadGateway(tx *store.Tx) error {
	key, err := signingRecords.Get(tx, signingKey)
	first := errors.Is(err, store.ErrNotFound)
	if first {
		key.Seed = make([]byte, ed25519.SeedSize)
		if _, err = io.ReadFull(p.cfg.Rand, key.Seed); err == nil {
			err = signingRecords.Put(tx, signingKey, key)
		}
	}
	if err != nil {
		return err
	}
	if p.signer, err = newSigner(p.cfg.Issuer, key.Seed); err != nil {
		return err
	}
	gateway, err := gatewayRecords.Get(tx, gatewayKey)
	if errors.Is(err, store.ErrNotFound) {
		gateway.State = gatewayFrozen
		if first {
			gateway.State = gatewayRunning
		}
		err = gatewayRecords.Put(tx, gatewayKey, gateway)
	}
	p.live.state = gateway.State
	return err
}

func (p *Pairing) loadApps(tx *store.Tx) (err error) {
	if p.live.apps, err = appRecords.All(tx); err != nil {
		return err
	}
	permissions, err := permissionRecords.All(tx)
	p.live.permissions = map[string]map[string]Permission{}
	for _, perm := range permissions {
		p.live.addPermission(perm)
	}
	return err
}

func (p *Pairing) loadSessions(tx *store.Tx) error {
	sessions, err := sessionRecords.All(tx)
	p.live.sessions, p.live.refresh = map[string]*liveSession{}, map[string]*liveSession{}
	now := p.now()
	for id, record := range sessions {
		s := newLiveSession(record)
		if record.Status == sessionLive && !s.idle(now) {
			p.live.addSession(s)
			continue
		}
		err = errors.Join(err, sessionRecords.Delete(tx, id))
	}
	return err
}

func (p *Pairing) loadRequests(tx *store.Tx) error {
	requests, err := requestRecords.All(tx)
	p.live.requests, p.live.device = map[string]*liveRequest{}, map[string]*liveRequest{}
	p.live.pushed, p.live.codes = map[string]*liveRequest{}, map[string]*liveRequest{}
	now := p.now()
	for id, record := range requests {
		r := &liveRequest{record: record, interval: pollInterval}
		if !r.forgettable(now) {
			p.live.addRequest(r)
			continue
		}
		err = errors.Join(err, requestRecords.Delete(tx, id))
	}
	return err
}
