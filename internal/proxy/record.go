package proxy

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
)

// announce writes the line without which nothing may reach a provider.
func (x *exchange) announce() error {
	if wait := x.p.failures.wait(x.caller.App.ID, x.p.cfg.Clock()); wait > 0 {
		no := *refusalOf(errFailing)
		no.retryAfter = wait
		return &no
	}
	if !x.p.attempts.begin(x.caller.App.ID, x.p.cfg.Clock()) {
		return errFutile
	}
	x.attempted = true
	e := x.event(audit.RequestStarted)
	if err := x.p.cfg.Audit.Append(e); err != nil {
		return err
	}
	x.announced = true
	return nil
}

func (x *exchange) recordEnd() {
	e := x.event(audit.RequestEnded)
	e.Code, e.Status, e.Detail = x.code, x.reply.status, x.noted()
	if x.try != nil && x.try.key.ID != "" {
		e.Key = x.try.key.ID + " (" + x.try.key.Label + ")"
	}
	e.LatencyMS = x.p.cfg.Clock().Sub(x.began).Milliseconds()
	if b := x.bill; b.usage != (policy.Usage{}) || b.cost > 0 {
		e.Usage = &audit.Usage{
			InputTokens: b.usage.InputTokens, CachedTokens: b.usage.CachedTokens, CacheWriteTokens: b.usage.CacheWriteTokens,
			OutputTokens: b.usage.OutputTokens, CostNanoDollars: b.cost, Estimated: b.estimated,
		}
	}
	x.append(e)
}

// noted is how it ended, and what was tried before.
func (x *exchange) noted() string {
	if len(x.passed) == 0 {
		return x.note
	}
	return strings.TrimSpace(x.note + " Tried before: " + strings.Join(x.passed, "; ") + ".")
}

// recordDenial writes the one line of a request that went nowhere, or leaves it
// to the next one to say how many there were.
func (x *exchange) recordDenial(no *refusal, err error) {
	e := x.event(audit.RequestDenied)
	e.Code, e.Status, e.Detail = no.code, no.status, cmp.Or(no.known, no.message)
	e.LatencyMS = x.p.cfg.Clock().Sub(x.began).Milliseconds()
	if x.caller.App.ID == "" {
		e.Actor, e.Detail = audit.Gateway, err.Error()
	}
	unrecorded, ok := x.p.denials.admit(x.caller.App.ID, x.p.cfg.Clock())
	if !ok {
		return
	}
	if unrecorded > 0 {
		e.Detail = fmt.Sprintf("%s (and %d more before this one that were not recorded)", e.Detail, unrecorded)
	}
	x.append(e)
}

// append records what has already happened and cannot be refused any more.
func (x *exchange) append(e audit.Event) {
	if err := x.p.cfg.Audit.Append(e); err != nil {
		x.p.cfg.Log.Error("audit line lost", "kind", e.Kind, "request_id", x.id, "error", err)
	}
}

func (x *exchange) event(kind audit.Kind) audit.Event {
	e := audit.Event{
		Time: x.p.cfg.Clock(), Kind: kind, Actor: audit.App, RequestID: x.id,
		AppID: x.caller.App.ID, AppName: x.caller.App.Name, SessionID: x.caller.Session.ID,
		PermissionID: x.permission.ID, Resource: x.resource, Address: address(x.request.RemoteAddr),
	}
	if x.call != nil {
		e.Action, e.Model = x.call.Facts.Action, x.call.Facts.Model
	}
	return e
}
