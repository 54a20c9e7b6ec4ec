package proxy

import (
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/vault"
)

// ring is a keyring with a clock and choices of its own.
type ring struct {
	*keyring
	t    *testing.T
	now  time.Time
	next int // what pick says
	keys []vault.Credential
}

func newRing(t *testing.T, keys ...vault.Credential) *ring {
	r := &ring{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), keys: keys}
	r.keyring = newKeyring(func() time.Time { return r.now }, func(n int) int { return r.next % n })
	return r
}

func key(id string, a vault.Arrangement) vault.Credential {
	return vault.Credential{ID: id, Arrangement: a}
}

// takes wants the key that is chosen next; "" for none.
func (r *ring) takes(want string, tried ...string) time.Duration {
	r.t.Helper()
	c, none, ok := r.take(r.keys, tried, "app", "m")
	if c.ID != want || ok != (want != "") {
		r.t.Fatalf("took %q, want %q", c.ID, want)
	}
	return none.left
}

// put gives a key back with what became of it.
func (r *ring) put(id, model string, outcome keyOutcome, retryAfter time.Duration) {
	r.heard(id, "app", model, outcome, retryAfter)
	r.give(id)
}

func TestKeysAreTakenByRankAndWeight(t *testing.T) {
	t.Parallel()
	r := newRing(t, key("a", vault.Arrangement{Weight: 3}), key("b", vault.Arrangement{}),
		key("drained", vault.Arrangement{Draining: true}), key("spare", vault.Arrangement{Rank: 1}))
	for next, want := range []string{"a", "a", "a", "b", "a"} {
		r.next = next
		r.takes(want)
	}
	r.next = 0
	r.takes("b", "a")
	r.takes("spare", "a", "b")
	r.takes("", "a", "b", "spare")
}

func TestAKeyRestsAndIsTriedByOne(t *testing.T) {
	t.Parallel()
	for outcome, row := range map[keyOutcome]struct {
		failures   int
		retryAfter time.Duration
		rests      time.Duration
	}{
		keyRefused:     {1, 0, time.Minute},
		keyNoCredit:    {1, 0, time.Minute},
		keySlowDown:    {1, 0, 10 * time.Second},
		keyFailing:     {5, 0, 30 * time.Second},
		keyUnreachable: {6, 0, time.Minute},
	} {
		r := newRing(t, key("a", vault.Arrangement{}), key("b", vault.Arrangement{}))
		for range row.failures {
			r.takes("a", "b")
			r.put("a", "m", outcome, row.retryAfter)
			if r.keyring.keys["a"].failures >= failuresBeforeRest && outcome == keyUnreachable {
				r.now = r.now.Add(time.Hour)
			}
		}
		if outcome == keyUnreachable {
			r.now = r.now.Add(-time.Hour)
		}
		if wait := r.takes("", "b"); wait != row.rests {
			t.Errorf("%s: rests for %v, want %v", outcome, wait, row.rests)
		}
		r.now = r.now.Add(row.rests)
		r.takes("a", "b") // the trial
		r.now = r.now.Add(trialTime - 1)
		r.takes("", "b") // and nobody else
		r.now = r.now.Add(1)
		r.takes("a", "b")             // but when it takes too long
		r.put("a", "m", keyServed, 0) // it works
		r.takes("a", "b")
		r.takes("a", "b")
	}
}

func TestARetryAfterIsRespectedWithinReason(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{42 * time.Second: 42 * time.Second, 300 * time.Hour: time.Hour} {
		r := newRing(t, key("a", vault.Arrangement{}), key("b", vault.Arrangement{}))
		r.takes("a", "b")
		r.put("a", "m", keySlowDown, asked)
		if wait := r.takes("", "b"); wait != want {
			t.Errorf("asked for %v: rests for %v, want %v", asked, wait, want)
		}
		if _, _, ok := r.take(r.keys, []string{"b"}, "app", "another model"); !ok {
			t.Error("the key rests for a model that it was not slowed down for")
		}
	}
}

func TestRestsGrow(t *testing.T) {
	t.Parallel()
	r := newRing(t, key("a", vault.Arrangement{}), key("b", vault.Arrangement{}))
	var all []time.Duration
	for range 8 {
		r.takes("a", "b")
		r.put("a", "m", keySlowDown, 0)
		wait := r.takes("", "b")
		all = append(all, wait)
		r.now = r.now.Add(wait)
	}
	for i, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300, 300} {
		if all[i] != want*time.Second {
			t.Fatalf("rests %v", all)
		}
	}
}

func TestAFewFailuresAreNoRest(t *testing.T) {
	t.Parallel()
	r := newRing(t, key("a", vault.Arrangement{}))
	for range 3 {
		for range failuresBeforeRest - 1 {
			r.takes("a")
			r.put("a", "m", keyFailing, 0)
		}
		r.takes("a")
		r.put("a", "m", keyServed, 0)
	}
	r.takes("a")
}

func TestAnAttemptThatSaysNothing(t *testing.T) {
	t.Parallel()
	r := newRing(t, key("a", vault.Arrangement{}))
	r.takes("a")
	r.put("a", "m", keyRefused, 0)
	r.now = r.now.Add(time.Minute)
	r.takes("a")
	r.unheard("a", "app", "m") // the trial's client went away
	r.give("a")
	r.takes("a") // the next one tries
	h := r.health()["a"]
	if h.State != "trying" || h.InUse != 1 || h.Requests != 3 || h.Failed != 1 || h.LastFailure != string(keyRefused) {
		t.Errorf("health %+v", h)
	}
	r.clear("a")
	r.takes("a")
	r.takes("a")
	r.forget("a")
	if len(r.health()) != 0 {
		t.Error("a removed key is remembered")
	}
}

func TestManyModelsOfAnAppStayBounded(t *testing.T) {
	t.Parallel()
	r := newRing(t, key("a", vault.Arrangement{}))
	for i := range maxResting + 100 {
		model := string(rune('a'+i%26)) + time.Duration(i).String()
		if _, _, ok := r.take(r.keys, nil, "app", model); !ok {
			t.Fatalf("model %d: no key", i)
		}
		r.put("a", model, keySlowDown, time.Minute)
	}
	if n := len(r.slow); n > maxAppResting {
		t.Errorf("%d rests are remembered", n)
	}
}

func TestKeyringConcurrently(t *testing.T) {
	t.Parallel()
	k := newKeyring(time.Now, func(int) int { return 0 })
	keys := []vault.Credential{key("a", vault.Arrangement{}), key("b", vault.Arrangement{})}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for range 200 {
				c, _, ok := k.take(keys, nil, "app", "m")
				if !ok {
					continue
				}
				switch i % 3 {
				case 0:
					k.unheard(c.ID, "app", "m")
				case 1:
					k.heard(c.ID, "app", "m", keyFailing, time.Nanosecond)
				default:
					k.heard(c.ID, "app", "m", keyServed, 0)
				}
				k.give(c.ID)
				k.health()
			}
		})
	}
	wait.Wait()
	for id, h := range k.health() {
		if h.InUse != 0 {
			t.Errorf("%s is in use by %d", id, h.InUse)
		}
	}
}

// What one app asks does not take a key away from others, until another has met
// the same.
func TestAKeyRestsForWhoMetIt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		outcome  keyOutcome
		failures int
	}{{keySlowDown, 1}, {keyNoCredit, 1}, {keyFailing, failuresBeforeRest}} {
		r := newRing(t, key("a", vault.Arrangement{}), key("b", vault.Arrangement{}))
		takes := func(app string) bool {
			_, _, ok := r.take(r.keys, []string{"b"}, app, "m")
			if ok {
				r.give("a")
			}
			return ok
		}
		meets := func(app string) {
			for range row.failures {
				takes(app)
				r.heard("a", app, "m", row.outcome, 0)
			}
		}
		meets("one")
		if takes("one") || !takes("two") {
			t.Errorf("%s: rests for one %v, for two %v", row.outcome, !takes("one"), !takes("two"))
		}
		r.now = r.now.Add(2 * time.Minute)
		meets("two")
		if takes("two") || !takes("three") {
			t.Errorf("%s: long after the first it rests for all", row.outcome)
		}
		meets("four")
		if takes("three") {
			t.Errorf("%s: two have met it, and a third takes it", row.outcome)
		}
	}
}

// The only key there is passes on what its provider says, unless that refuses it.
func TestTheOnlyKeyIsAlwaysAsked(t *testing.T) {
	t.Parallel()
	for outcome, asked := range map[keyOutcome]bool{keySlowDown: true, keyNoCredit: true, keyFailing: true, keyRefused: false, keyUnreachable: false} {
		r := newRing(t, key("a", vault.Arrangement{}), key("drained", vault.Arrangement{Draining: true}))
		for range failuresBeforeRest {
			_, _, _ = r.take(r.keys, nil, "app", "m")
			r.put("a", "m", outcome, time.Hour)
		}
		if _, _, ok := r.take(r.keys, nil, "app", "m"); ok != asked {
			t.Errorf("%s: asked %v", outcome, ok)
		}
	}
}

// A model counts once, for however many apps a key rests for it.
func TestHealthCountsModelsAndApps(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	hears := func(app, model string, outcome keyOutcome) {
		r.begin("a", app, model, r.now)
		r.heard("a", app, model, outcome, time.Minute)
		r.give("a")
	}
	hears("one", "m", keySlowDown)
	hears("two", "m", keySlowDown) // it now rests for that model and all apps
	hears("two", "n", keySlowDown)
	hears("two", "n", keyNoCredit)
	if h := r.health()["a"]; h.State != "ok" || h.SlowModels != 2 || h.Apps != 1 || h.Requests != 4 || h.Failed != 4 {
		t.Errorf("%+v", h)
	}
	r.now = r.now.Add(time.Hour)
	if h := r.health()["a"]; h.SlowModels != 0 || h.Apps != 0 {
		t.Errorf("when the rests are over: %+v", h)
	}
}
