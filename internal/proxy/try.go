package proxy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

// try is one sending of a call, with one key. Its answer belongs to it, until
// the try is left.
type try struct {
	key      vault.Credential // zero for a provider without keys
	model    string           // that it was taken for
	secret   vault.Secret
	upstream upstream

	reached atomic.Bool // the provider may have seen it
	trace   httptrace.ClientTrace
	out     *http.Request
	res     *http.Response // with its head, and the body to be read; nil with err
	err     error
	outcome keyOutcome
	next    bool // another key may be tried
	bound   bool // of the same account only: what was executed may be known there by its Idempotency-Key
}

// begin makes a try the one that is under way. The answer of the one before it
// is not read.
func (x *exchange) begin(t *try) {
	if last := x.try; last != nil {
		x.seen = x.seen || last.reached.Load()
		x.passed = append(x.passed, last.words())
		x.leave(last)
	}
	x.try, x.failed = t, false
	x.tries++
}

// words say for the owner what came of a try.
func (t *try) words() string {
	name := strings.TrimSpace(t.key.Resource + " " + strconv.Quote(t.key.Label))
	if t.outcome == keyServed {
		return name
	}
	return name + ": " + string(t.outcome)
}

// leave gives everything back that a try holds. It may be nil.
func (x *exchange) leave(t *try) {
	if t == nil {
		return
	}
	if t.res != nil {
		_ = t.res.Body.Close() // what is left of it is of no interest
	}
	if t.out != nil && t.out.Body != nil {
		_ = t.out.Body.Close() // the transport may still read it
	}
	t.secret.Zero()
	if t.key.ID != "" {
		x.p.keys.give(t.key.ID)
	}
}

// reached says that the provider may have seen the last try.
func (x *exchange) reached() bool { return x.try != nil && x.try.reached.Load() }

// send sends the try, waits for the head of an answer and notes what that says
// about the key.
func (x *exchange) send() *try {
	t := x.try
	t.trace.WroteHeaders = func() { t.reached.Store(true) }
	t.out = t.upstream.request(httptrace.WithClientTrace(x.ctx, &t.trace))
	t.res, t.err = x.p.transport.send(&t.upstream, t.out)
	heard := x.judgeTry(t)
	switch {
	case t.key.ID == "":
	case heard:
		x.p.keys.heard(t.key.ID, x.caller.App.ID, t.model, t.outcome, t.retryAfter(x.p.cfg.Clock()))
	default:
		x.p.keys.unheard(t.key.ID, x.caller.App.ID, t.model)
	}
	return t
}

// judgeTry finds what came of a try, and whether there may be another: before the
// first byte of an answer goes out, of a call that was not executed, or that does
// no harm when it is executed twice. It returns false when that says nothing
// about the key.
func (x *exchange) judgeTry(t *try) bool {
	if x.ctx.Err() != nil {
		return false
	}
	if t.err != nil {
		return x.judgeError(t)
	}
	switch status := t.res.StatusCode; {
	case status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired:
		t.outcome, t.next = keyRefused, true
		if x.worksOtherwise(t) {
			t.outcome = keyUnfit
			return false
		}
	case status == http.StatusPaymentRequired:
		t.outcome, t.next = keyNoCredit, true
	case status == http.StatusTooManyRequests:
		t.outcome, t.next = keySlowDown, true
	case status >= 500:
		t.outcome, t.next = keyFailing, x.call.Repeatable()
		t.bound = t.bound || knownByKey(x.call)
	}
	return true
}

// knownByKey says that a call that may have been executed is repeatable for its
// Idempotency-Key, if at all.
func knownByKey(c *plugins.Call) bool { return !c.Harmless && c.Method != http.MethodGet }

// judgeError is for a try without an answer. One that took too long has been
// waited for long enough.
func (x *exchange) judgeError(t *try) bool {
	var slow net.Error
	reached := t.reached.Load()
	t.outcome, t.next = keyUnreachable, !reached || x.call.Repeatable()
	if reached {
		t.outcome, t.bound = keyFailing, t.bound || knownByKey(x.call)
		t.next = t.next && !(errors.As(t.err, &slow) && slow.Timeout())
	}
	return !errors.Is(t.err, errPrivateAddress)
}

const (
	maxRefusal  = 16 << 10 // bytes read of an answer that refuses a key
	refusalTime = 5 * time.Second
)

// worksOtherwise says that a key was refused for what was asked and not
// altogether, by what the provider's probe makes of the same answer.
func (x *exchange) worksOtherwise(t *try) bool {
	enough := time.AfterFunc(refusalTime, func() { _ = t.res.Body.Close() })
	defer enough.Stop()
	body, err := io.ReadAll(io.LimitReader(t.res.Body, maxRefusal))
	return err == nil && x.provider.Probe().Explain(t.res.StatusCode, bytes.Clone(body)).OK
}

// retryAfter is what the provider asks for, 0 for nothing (RFC 9110 section
// 10.2.3).
func (t *try) retryAfter(now time.Time) time.Duration {
	if t.res == nil {
		return 0
	}
	text := t.res.Header.Get("Retry-After")
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, maxRest.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// another takes the next key, when the last try has left a reason for it; nil
// when its answer is the client's.
func (x *exchange) another(last *try) *try {
	if !last.next || x.tries >= maxAttempts || x.request.Context().Err() != nil {
		return nil
	}
	next, err := x.nextKey()
	if err != nil && !last.bound {
		return x.nextTarget()
	}
	return next
}

// nextKey takes a key that has not been tried out of the vault, for this request
// only. Errors: why there is none.
func (x *exchange) nextKey() (*try, error) {
	if x.ctx.Err() != nil {
		return nil, context.Cause(x.ctx)
	}
	t, err := x.release()
	if err != nil {
		return nil, err
	}
	if err := x.address(t); err != nil {
		if t.key.ID != "" {
			x.p.keys.unheard(t.key.ID, x.caller.App.ID, t.model)
		}
		x.leave(t)
		return nil, err
	}
	return t, nil
}

// release chooses a key and takes it out of the vault, as one step for a key that
// is removed, or a permission that is replaced, meanwhile.
func (x *exchange) release() (*try, error) {
	rights := &x.entry.rights
	rights.mu.Lock()
	defer rights.mu.Unlock()
	if x.provider.Manifest().Credential.None {
		return x.withoutKey(rights.pin)
	}
	candidates := x.p.cfg.Vault.CredentialsFor(x.resource)
	if rights.pin != "" {
		candidates = slices.DeleteFunc(candidates, func(c vault.Credential) bool { return c.Label != rights.pin })
	}
	bound := x.try != nil && x.try.bound
	if bound {
		candidates = slices.DeleteFunc(candidates, func(c vault.Credential) bool { return !x.sameAccount(c, x.try.key) })
	}
	model := x.call.Facts.Model
	for {
		c, none, ok := x.p.keys.take(candidates, x.tried, x.caller.App.ID, model)
		if !ok {
			return nil, noKey(candidates, none, rights.pin)
		}
		x.tried = append(x.tried, c.ID)
		key, secret, err := x.p.cfg.Vault.ReleaseByID(c.ID)
		if err == nil {
			rights.credential, rights.label = key.ID, key.Label
			return &try{key: key, model: model, secret: secret, bound: bound}, nil
		}
		x.p.keys.unheard(c.ID, x.caller.App.ID, model)
		x.p.keys.give(c.ID)
		if !errors.Is(err, vault.ErrNoCredential) { // which was removed this moment
			return nil, err
		}
	}
}

// sameAccount says that two keys lead to the same place, as far as the owner has
// told.
func (x *exchange) sameAccount(a, b vault.Credential) bool {
	home := x.provider.Manifest().BaseURL
	return cmp.Or(a.BaseURL, home) == cmp.Or(b.BaseURL, home) && maps.Equal(a.Headers, b.Headers)
}

// withoutKey is the one try of a provider that has no keys.
func (x *exchange) withoutKey(pin string) (*try, error) {
	switch {
	case pin != "":
		return nil, errNoSuchKey
	case slices.Contains(x.tried, x.resource):
		return nil, vault.ErrNoCredential
	}
	x.tried = append(x.tried, x.resource)
	return &try{}, nil
}

// address makes the request that a try sends.
func (x *exchange) address(t *try) (err error) {
	m := x.provider.Manifest()
	if t.upstream, err = newUpstream(m, t.key, t.secret, *x.call); err != nil {
		return err
	}
	if x.body.large != nil {
		t.upstream.upload = x.body.large.spool
	}
	if d := &x.permission.Document; (d.MaxOutputTokens > 0 || budgeted(*d)) && !t.upstream.atHome(m, t.key) {
		return t.upstream.call.SpellOutputCap()
	}
	return nil
}

// noKey says why there is no key to try.
func noKey(candidates []vault.Credential, none resting, pin string) error {
	again := func(err error, final bool) error {
		no := *refusalOf(err)
		no.retryAfter, no.final = none.left, final
		return &no
	}
	switch {
	case len(candidates) == 0 && pin != "":
		return errNoSuchKey
	case len(candidates) == 0:
		return vault.ErrNoCredential
	case none.why == keySlowDown:
		return again(errSlowDown, false)
	case none.why == keyRefused:
		return again(errKeyRefused, true)
	case none.why == keyNoCredit:
		return again(errNoCredit, true)
	case none.why != keyServed:
		return again(errUpstream, false)
	}
	return errKeysDrained
}
