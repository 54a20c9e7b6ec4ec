package proxy

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// regrant replaces what the app was granted, as the owner does who answers
// when the app asks anew.
func (a *app) regrant(granted policy.Document) {
	a.Helper()
	asked, err := a.pairing.AskDevice(context.Background(), pairing.DeviceRequest{ClientID: a.id, Scope: granted.Resource, DPoPJKT: a.key.Thumbprint()})
	a.must(err)
	request, err := a.pairing.RequestByUserCode(asked.UserCode)
	a.must(err)
	a.must(a.pairing.Approve(request.ID, []policy.Document{granted}))
}

// A stricter permission reaches what is running, with the code of the rule
// that now forbids it.
func TestStricterPermissionStopsStreams(t *testing.T) {
	t.Parallel()
	const capped = `{"model":"gpt-4o-mini","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"say it"}]}`
	const left = 200 * time.Millisecond
	soon := noon.Add(4 * time.Minute)
	for _, row := range []struct {
		name, body string
		granted    policy.Document // besides the resource
		code       string
	}{
		{"streaming", streamed, policy.Document{Streaming: policy.Deny}, policy.CodeStreamingNotAllowed},
		{"models", streamed, policy.Document{Models: []string{"gpt-4.1"}}, policy.CodeModelNotAllowed},
		{"actions", streamed, policy.Document{Actions: []string{"models.list"}}, policy.CodeActionNotGranted},
		{"output", capped, policy.Document{MaxOutputTokens: 99}, policy.CodeOutputCapExceeded},
		{"output, without a cap", streamed, policy.Document{MaxOutputTokens: 99}, policy.CodeOutputCapExceeded},
		{"end", streamed, policy.Document{ExpiresAt: soon}, policy.CodePermissionExpired},
		{"body", streamed, policy.Document{MaxBodyBytes: 5}, policy.CodeBodyTooLarge},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
			b.clock.stop()
			a, other := b.pair(anything()), b.pair(anything())
			s, spared := a.open(row.body), other.open(streamed)
			row.granted.Resource = resource
			b.clock.advance(soon.Add(-left).Sub(b.clock.now()))
			a.regrant(row.granted)
			b.clock.advance(left)
			wantCutOnly(s, row.code)
			spared.next()
			if n := b.proxy.Running(); n > 2 {
				t.Errorf("%d run", n)
			}
		})
	}
}

// What the new permission allows goes on, and until its end, not the old one's.
func TestOtherPermissionsSpareStreams(t *testing.T) {
	t.Parallel()
	const capped = `{"model":"gpt-4o-mini","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"say it"}]}`
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
	end := b.clock.now().Add(4 * time.Minute)
	a := b.pair(policy.Document{Resource: resource, ExpiresAt: end, MaxOutputTokens: 500})
	s, plain := a.open(capped), a.open(streamed)
	a.regrant(policy.Document{Resource: resource, Models: []string{"gpt-4o*"}, MaxOutputTokens: 500, Concurrency: 2})
	for _, e := range b.proxy.running.matching(everyone) {
		e.rights.mu.Lock()
		if e.rights.expiry != nil {
			t.Error("the old permission's end still counts")
		}
		e.rights.mu.Unlock()
	}
	for range 5 {
		s.next()
		plain.next()
	}
	a.regrant(policy.Document{Resource: "llm:other"}) // another resource's is none of theirs
	s.next()
	plain.next()
	b.proxy.CutAll("frozen")
	wantCutOnly(s, "frozen")
}

// Where fewer may run at once than do, as many end as are too many.
func TestNewConcurrencyStopsStreams(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
	a := b.pair(anything())
	for range 3 {
		a.open(streamed)
	}
	a.regrant(policy.Document{Resource: resource, Concurrency: 1})
	b.eventually("two have ended", func() bool { return b.proxy.Running() == 1 })
	cut := 0
	for _, e := range b.events() {
		if e.Kind == audit.RequestEnded && e.Code == policy.CodeConcurrencyLimited {
			cut++
		}
	}
	if cut != 2 {
		t.Errorf("%d were cut", cut)
	}
	b.eventually("the provider was hung up on", func() bool { return b.fake.Gone() == 2 })
}

// A key that the owner removes is used no longer; a request with another goes on.
func TestRemovedKeyStopsStreams(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
	s := b.pair(anything()).open(streamed)
	b.must(b.vault.RemoveCredential(b.keyID))
	wantCut(s, "upstream_error")
	b.eventually("the provider was hung up on", func() bool { return b.fake.Gone() == 1 })
}

// A change that comes at any moment of a request's way in is seen by it or
// finds it: nothing goes on under a permission that is gone.
func TestNoRequestSlipsThroughANarrowing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fake.Script(openaifake.Fault{Endless: true, WordDelay: time.Millisecond})
	for range 20 {
		a := b.pair(anything())
		r := a.request("POST", chatPath, streamed)
		answer := make(chan result)
		go func() { answer <- b.do(r) }()
		a.regrant(policy.Document{Resource: resource, Streaming: policy.Deny})
		got := <-answer // an endless one, if it slipped through
		event := got.body[max(0, bytes.LastIndex(bytes.TrimSpace(got.body), []byte("\n\n"))):]
		if got.code() != policy.CodeStreamingNotAllowed && codeOf(bytes.TrimSpace(event)) != policy.CodeStreamingNotAllowed {
			t.Errorf("%d %q", got.status, event)
		}
	}
}

// A count of the input that takes until the request has gone on to another
// target is not that one's.
func TestALateCountIsNotTheNextTargets(t *testing.T) {
	t.Parallel()
	p := newBench(t).proxy
	e := &entry{cancel: func(err error) { t.Errorf("stopped: %v", err) }}
	next := &closeCount{}
	first := &closeCount{rough: 9, turns: newTurns(), count: func() int64 {
		e.rights.granted(policy.Request{InputTokens: 500}, nil, next)
		return 7
	}}
	e.rights.granted(policy.Request{InputTokens: 900}, nil, first)
	e.rights.counting = true
	p.countAgain(e)
	if r := &e.rights; r.asked.InputTokens != 500 || r.closer != next || r.counting {
		t.Errorf("%d tokens, counting %v", r.asked.InputTokens, r.counting)
	}
}
