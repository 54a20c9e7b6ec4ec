package proxy

import (
	"cmp"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

// History is told how each request of an app ended. It is called on the
// request's own goroutine and must not wait for anything.
type History interface{ Ended(Ended) }

// Ended is one request that is over: refused, cut, failed or answered.
type Ended struct {
	Time         time.Time // when it came
	AppID        string
	PermissionID string // empty when none was found
	Resource     string
	Action       string // empty when the request could not be read
	Model        string // as the client names it, hostile text included; empty when there is none
	// Denied says that it was refused before anything reached the provider.
	Denied bool
	// Rule is the member of the policy document that refused or cut it, such as
	// limits[1].dollars; where no policy did, it is Code.
	Rule string
	// Code is the protocol's for why it was refused, cut or failed; empty for
	// an answer that went through, an error of the provider's own included.
	Code   string
	Status int // HTTP status that the client got
	// Charged says that the limits have counted it; Usage and Cost are what
	// they counted. Estimated says that the provider did not report it all.
	Charged   bool
	Estimated bool
	Usage     policy.Usage
	Cost      int64         // nano-dollars; 0 where no price is known
	Latency   time.Duration // until the last byte
	FirstByte time.Duration // until the first byte of the answer; 0 when none went out
}

// tell adds the exchange to the history, if it is known whose it was.
func (x *exchange) tell() {
	if x.caller.App.ID == "" || x.lists() {
		return
	}
	now := x.p.cfg.Clock()
	e := Ended{
		Time: x.began, AppID: x.caller.App.ID, PermissionID: x.permission.ID, Resource: x.resource,
		Denied: x.denied || x.code != "" && !x.seen && !x.reached(), Rule: cmp.Or(x.rule, x.code), Code: x.code, Status: x.reply.status,
		Charged: x.bill.charged, Estimated: x.bill.estimated, Usage: x.bill.usage, Cost: x.bill.cost,
		Latency: now.Sub(x.began),
	}
	if x.call != nil {
		e.Action, e.Model = x.call.Facts.Action, x.call.Facts.Model
	}
	if first := x.reply.first; x.meter != nil && !first.IsZero() {
		e.FirstByte = first.Sub(x.began)
	}
	x.p.cfg.History.Ended(e)
}

// noHistory is for a gateway that keeps none.
type noHistory struct{}

// Ended implements History.
func (noHistory) Ended(Ended) {}
