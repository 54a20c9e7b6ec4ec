package proxy

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins"
)

// exchange is one request on its journey. It belongs to one goroutine at a time
// but for ctx, what its tries have reached, and the reply's deadline.
type exchange struct {
	p       *Proxy
	request *http.Request
	reply   *reply
	body    *body
	id      string
	began   time.Time

	aim
	unified *unified // nil for what names its provider in the address
	caller  pairing.Caller

	ctx   context.Context // nil until registered; its cause says why it was stopped
	stop  context.CancelCauseFunc
	entry *entry // which is place, once it is registered
	place entry

	closer    *closeCount // of the input; nil until decided
	first     closeCount  // which it is but for later targets
	attempt   *attempt    // by its Idempotency-Key; nil without one
	attempted bool        // counted in attempts
	announced bool        // the audit log has a request.started
	denied    bool        // refused before that

	try      *try          // the one that is under way, or was the last; nil before the first
	tries    int           // so far
	tried    []string      // keys, by id
	passed   []string      // what came of those before the last try, for the owner
	seen     bool          // a provider may have seen one of those
	meter    plugins.Meter // nil until the provider answers
	answer   pieces        // the same
	atOnce   bool          // each piece of the answer is flushed by itself
	failed   bool          // the provider failed before any output
	whole    bool          // its answer came to the end
	given    bool          // a byte of it was written to the client
	reported bool          // it has said its last word about usage
	covered  policy.Usage  // of a stream: what the limits have room for
	bill     bill
	scrub    scrubber // of the answer
	code     string   // why it was refused or cut short
	rule     string   // of the policy that did
	note     string   // for the owner, about how it ended
}

// aim is what a request is sent for.
type aim struct {
	resource string // such as llm:openai
	path     string // behind it, as on the wire
	provider plugins.Provider

	permission  pairing.Permission
	call        *plugins.Call
	facts       policy.Request
	reservation *policy.Reservation
}

// ServeHTTP answers every request under Prefix and UnifiedPrefix, whatever its
// method.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := p.newID()
	if err != nil {
		p.cfg.Log.Error("no request id", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	x := p.newExchange(id, w, r)
	defer x.end()
	x.body.begin()
	if err := p.aside.do(x.admit); err != nil {
		x.refuse(err)
		return
	}
	if x.lists() {
		x.listModels()
		return
	}
	x.forward()
}

func (p *Proxy) newExchange(id string, w http.ResponseWriter, r *http.Request) *exchange {
	to := newReply(w, id, p.cfg)
	return &exchange{
		p: p, request: r, reply: to, id: id, began: p.cfg.Clock(),
		body: &body{
			request: r, control: to.control, limit: p.cfg.MaxBodyBytes,
			timeout: p.cfg.Timeouts.Body, memory: p.memory,
		},
	}
}

// lowerBase32 spells ids.
var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

// newID makes req_ and 16 random bytes in lower-case base32.
func (p *Proxy) newID() (string, error) {
	var random [16]byte
	if _, err := io.ReadFull(p.cfg.Rand, random[:]); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	const prefix, chars = "req_", 26 // of 16 bytes; the rest is padding
	var id [len(prefix) + 32]byte
	lowerBase32.Encode(id[copy(id[:], prefix):], random[:])
	return string(id[:len(prefix)+chars]), nil
}

// refuse answers with a refusal and records it.
func (x *exchange) refuse(err error) {
	no := refusalOf(err)
	x.endsWith(no)
	if no.code == codeInternal {
		x.p.cfg.Log.Error("request failed", "request_id", x.id, "error", err)
	}
	if !x.announced {
		x.denied = true
		x.recordDenial(no, err)
	}
	if !x.reply.begun() {
		no.write(x.reply, x.provider)
	}
}

// endsWith notes for the owner why the exchange was refused or cut short.
func (x *exchange) endsWith(no *refusal) {
	x.code, x.rule = no.code, no.rule()
	if no.known != "" {
		x.note = no.known
	}
}

// end gives back whatever the exchange holds. A request the provider cannot
// have seen costs nothing.
func (x *exchange) end() {
	x.settle()
	if x.attempt != nil {
		x.p.retries.end(x.attempt, x.bill.charged, x.heard() || !x.asksModel(), x.p.cfg.Clock())
	}
	if x.attempted {
		x.p.attempts.end(x.caller.App.ID, x.p.cfg.Clock(), x.seen || x.reached())
	}
	if x.failed && x.reached() && !x.bill.charged {
		x.p.failures.count(x.caller.App.ID, x.p.cfg.Clock())
	}
	if x.announced {
		x.recordEnd()
	}
	x.tell()
	x.reply.leave()
	if x.stop != nil {
		x.stop(nil)
	}
	x.scrub.forget()
	x.leave(x.try)
	x.body.free()
	if x.entry != nil {
		x.entry.rights.end()
		x.p.running.remove(x.entry)
	}
}

// heard says that a part of the provider's answer was written to the client, or
// that it was empty. What a client that seems to have gone reads nobody knows, so
// nothing is written to it any more.
func (x *exchange) heard() bool {
	return x.given || x.meter != nil && x.whole && !x.clientGone()
}

func (x *exchange) clientGone() bool { return x.request.Context().Err() != nil }

// asksModel says that the request goes to a model, and so does nothing but cost
// money. What any other does may not be undone.
func (x *exchange) asksModel() bool {
	return strings.HasPrefix(x.resource, modelKind) && x.provider.Manifest().Dialect != "http"
}
