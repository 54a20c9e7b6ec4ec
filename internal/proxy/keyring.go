package proxy

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/keywicket/keywicket/internal/vault"
)

// maxAttempts is how many keys one request may try.
const maxAttempts = 4

// maxResting bounds what is remembered of keys that rest for one model.
const maxResting = 4096

// maxAppResting bounds those of one app.
const maxAppResting = 64

// keyring chooses which key of a resource serves a request, and remembers how
// each has fared.
//
//	          served                    too many failures, or refused
//	in use ◀────────── one trial ◀────────────── resting ◀──────────── in use
//	                      └── failed: rests for longer ──┘
//
// A provider's limits are for one model: a key told to slow down rests for that
// model alone. And what an app asks may be why a provider fails: a key rests for
// the app that met it, and for all once two of them have within a minute. A key
// that is refused, or whose provider cannot be reached, rests for all at once.
type keyring struct {
	clock func() time.Time
	pick  func(n int) int // a random number below n

	mu   sync.Mutex
	keys map[string]*keyRecord // by credential
	slow map[slowKey]*rest     // for one app, or one model
}

// slowKey is what a key rests for: an app, or all with none; a model, or all with
// none.
type slowKey struct{ credential, app, model string }

// keyRecord is how a key has fared since the start.
type keyRecord struct {
	rest
	inUse            int
	requests, failed int64
	lastUsed         time.Time
	lastFailure      keyOutcome
}

// rest is a time in which a key is not used, and how often in a row it came to
// that.
type rest struct {
	until    time.Time
	failures int
	met      time.Time // last
	trial    time.Time // until then, one request is finding out
	why      keyOutcome
}

// resting says whether requests keep off; when the rest is over, one may try.
func (r *rest) resting(now time.Time) bool {
	return r != nil && r.why != "" && (now.Before(r.until) || now.Before(r.trial))
}

// keyOutcome is what a provider's answer says about the key.
type keyOutcome string

const (
	keyServed      keyOutcome = ""
	keyRefused     keyOutcome = "refused"        // 401, 407
	keyUnfit       keyOutcome = "not fit for it" // refused, for what was asked only
	keyNoCredit    keyOutcome = "no credit left" // 402
	keySlowDown    keyOutcome = "told to slow down"
	keyFailing     keyOutcome = "provider fails" // 5xx
	keyUnreachable keyOutcome = "provider cannot be reached"
)

func newKeyring(clock func() time.Time, pick func(int) int) *keyring {
	return &keyring{clock: clock, pick: pick, keys: map[string]*keyRecord{}, slow: map[slowKey]*rest{}}
}

// take chooses the key for the next attempt: of those that are neither tried
// nor drained nor resting, one of the lowest rank, by weight. candidates are in
// the order of rank. It returns false, and what the first of them to come back
// rests for, when there is none.
func (k *keyring) take(candidates []vault.Credential, tried []string, app, model string) (c vault.Credential, none resting, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	var room [8]int // nearly always enough
	free := room[:0]
	alone := k.alone(candidates, app, model, now)
	for i := range candidates {
		c := &candidates[i]
		if c.Draining || slices.Contains(tried, c.ID) {
			continue
		}
		if rests := k.resting(c.ID, app, model, now); rests.why != keyServed && !(alone && rests.why.passing()) {
			none = none.sooner(rests)
			continue
		}
		if len(free) == 0 || c.Rank == candidates[free[0]].Rank {
			free = append(free, i)
		}
	}
	if len(free) == 0 {
		return vault.Credential{}, none, false
	}
	c = candidates[k.weigh(candidates, free)]
	k.begin(c.ID, app, model, now)
	return c, resting{}, true
}

// alone says that there is one key at most to choose: then whether it may be used
// is between the provider and whoever asks, and the answer is passed on.
func (k *keyring) alone(candidates []vault.Credential, app, model string, now time.Time) bool {
	usable := 0
	for i := range candidates {
		c := &candidates[i]
		if rests := k.resting(c.ID, app, model, now).why; !c.Draining && (rests == keyServed || rests.passing()) {
			usable++
		}
	}
	return usable <= 1
}

// passing says that the key may serve another request all the same.
func (o keyOutcome) passing() bool { return o == keyNoCredit || o == keySlowDown || o == keyFailing }

// resting is how long a key rests, at least a moment, and why; the zero value
// is one that does not.
type resting struct {
	left time.Duration
	why  keyOutcome
}

func (r resting) sooner(other resting) resting {
	if r.why == keyServed || other.left < r.left {
		return other
	}
	return r
}

// resting says how long a key rests for an app and a model.
func (k *keyring) resting(id, app, model string, now time.Time) (longest resting) {
	for _, r := range k.of(id, app, model) {
		if left := time.Second; r.resting(now) {
			if left = max(left, r.until.Sub(now)); left > longest.left {
				longest = resting{left, r.why}
			}
		}
	}
	return longest
}

// of are the rests of a key, if any: those that an app and a model share with
// few, and at last its own.
func (k *keyring) of(id, app, model string) (all [4]*rest) {
	all = [...]*rest{k.slow[slowKey{id, "", model}], k.slow[slowKey{id, app, model}], k.slow[slowKey{id, app, ""}], nil}
	if r := k.keys[id]; r != nil {
		all[3] = &r.rest
	}
	return all
}

// weigh picks one of the candidates that are free.
func (k *keyring) weigh(candidates []vault.Credential, free []int) int {
	if len(free) == 1 {
		return free[0]
	}
	total := 0
	for _, i := range free {
		total += candidates[i].Share()
	}
	n := k.pick(total)
	for _, i := range free {
		if n -= candidates[i].Share(); n < 0 {
			return i
		}
	}
	return free[0]
}

func (k *keyring) begin(id, app, model string, now time.Time) {
	r := k.keys[id]
	if r == nil {
		r = &keyRecord{}
		k.keys[id] = r
	}
	r.inUse++
	r.requests++
	r.lastUsed = now
	if r.trial = (time.Time{}); r.why != "" {
		r.trial = now.Add(trialTime)
	}
	all := k.of(id, app, model)
	for _, s := range all[:3] {
		if s != nil {
			s.trial = now.Add(trialTime)
		}
	}
}

// heard notes what a provider's answer says about a key, as soon as its head is
// there. retryAfter is the provider's own, 0 for none.
func (k *keyring) heard(id, app, model string, outcome keyOutcome, retryAfter time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.keys[id]
	if r == nil {
		return
	}
	now := k.clock()
	k.tried(id, app, model)
	switch outcome {
	case keySlowDown:
		r.rest = rest{}
		if _, two := k.fail(slowKey{id, app, model}, outcome, now, retryAfter); two {
			k.fail(slowKey{id, "", model}, outcome, now, retryAfter)
		}
	case keyNoCredit, keyFailing:
		if mine, two := k.fail(slowKey{id, app, ""}, outcome, now, retryAfter); two {
			r.failures = max(r.failures, mine.failures-1)
			r.fail(outcome, now, retryAfter)
		}
	case keyServed:
		r.rest = rest{}
		for _, slow := range []slowKey{{id, "", model}, {id, app, model}, {id, app, ""}} {
			delete(k.slow, slow)
		}
	default:
		r.fail(outcome, now, retryAfter)
	}
	if outcome != keyServed {
		r.failed++
		r.lastFailure = outcome
	}
}

// unheard is for an attempt that says nothing about its key.
func (k *keyring) unheard(id, app, model string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried(id, app, model)
}

// tried ends a trial.
func (k *keyring) tried(id, app, model string) {
	for _, r := range k.of(id, app, model) {
		if r != nil {
			r.trial = time.Time{}
		}
	}
}

// fail lets a key rest for an app or a model. Two says that it rests, and that
// another app has met the same within a minute.
func (k *keyring) fail(slow slowKey, outcome keyOutcome, now time.Time, retryAfter time.Duration) (r *rest, two bool) {
	r = cmp.Or(k.slow[slow], &rest{})
	r.fail(outcome, now, retryAfter)
	k.remember(slow, r, now)
	if !r.resting(now) {
		return r, false
	}
	for other, s := range k.slow {
		same := other.credential == slow.credential && other.model == slow.model && s.why == outcome
		if same && other.app != slow.app && other.app != "" && now.Sub(s.met) <= time.Minute {
			return r, true
		}
	}
	return r, false
}

// give puts a key back: its answer is over.
func (k *keyring) give(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.keys[id]; r != nil {
		r.inUse--
	}
}

// remember keeps what rests within bounds, in all and for each app: what is over
// goes first, then what ends first of the app's own. Models are named by apps.
func (k *keyring) remember(slow slowKey, s *rest, now time.Time) {
	if _, there := k.slow[slow]; there {
		return
	}
	mine, first := 0, slowKey{}
	for other, r := range k.slow {
		switch {
		case other.app != slow.app:
		case mine == 0 || r.until.Before(k.slow[first].until):
			first = other
			fallthrough
		default:
			mine++
		}
	}
	if slow.app != "" && mine >= maxAppResting {
		delete(k.slow, first)
	}
	if len(k.slow) >= maxResting {
		for other, r := range k.slow {
			if !r.resting(now) {
				delete(k.slow, other)
			}
		}
	}
	if len(k.slow) < maxResting {
		k.slow[slow] = s
	}
}

// clear forgets that a key rests: the owner has found that it works.
func (k *keyring) clear(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.keys[id]; r != nil {
		r.rest = rest{}
	}
	for slow := range k.slow {
		if slow.credential == id {
			delete(k.slow, slow)
		}
	}
}

// forget drops a key that was removed.
func (k *keyring) forget(id string) {
	k.clear(id)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, id)
}

// failuresBeforeRest is how many failures in a row of the provider itself a key
// stands: they need not be the key's.
const failuresBeforeRest = 5

const maxRest = time.Hour

// trialTime is how long one request may take to find out before another tries.
const trialTime = 30 * time.Second

// fail lets the key rest: for as long as the provider says, up to an hour, or
// for longer each time.
func (r *rest) fail(outcome keyOutcome, now time.Time, retryAfter time.Duration) {
	r.trial = time.Time{}
	r.failures++
	r.met = now
	first, most := 10*time.Second, 5*time.Minute
	steps := r.failures - 1
	switch outcome {
	case keyRefused, keyNoCredit:
		first, most = time.Minute, 10*time.Minute
	case keyFailing, keyUnreachable:
		if r.failures < failuresBeforeRest {
			return
		}
		first, steps = 30*time.Second, r.failures-failuresBeforeRest
	}
	pause := min(first<<min(steps, 8), most)
	if retryAfter > 0 {
		pause = min(retryAfter, maxRest)
	}
	r.why, r.until = outcome, now.Add(pause)
}

// health tells how each key that was used has fared.
func (k *keyring) health() map[string]vault.Health {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	all := make(map[string]vault.Health, len(k.keys))
	for id, r := range k.keys {
		h := vault.Health{
			State: "ok", InUse: r.inUse, Requests: r.requests, Failed: r.failed,
			LastUsed: r.lastUsed, LastFailure: string(r.lastFailure),
		}
		if r.why != "" {
			h.State, h.Why, h.Until = "trying", string(r.why), r.until
			if now.Before(r.until) {
				h.State = "resting"
			}
		}
		all[id] = h
	}
	counted := map[slowKey]bool{}
	for slow, r := range k.slow {
		h, there := all[slow.credential]
		if slow.model != "" {
			slow.app = "" // a model counts once, for however many apps
		}
		if !there || !now.Before(r.until) || counted[slow] {
			continue
		}
		counted[slow] = true
		if slow.model == "" {
			h.Apps++
		} else {
			h.SlowModels++
		}
		all[slow.credential] = h
	}
	return all
}
