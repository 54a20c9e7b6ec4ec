package proxy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/vault"
)

// Prefix is where the data plane is mounted; /r/<type>/<provider>/... follows.
const Prefix = "/r/"

// toAnswer is how many steps of admit an answer of the gateway's own takes.
const toAnswer = 3

// admit takes the request as far as the provider's door. From register on, a
// change of rights reaches it between any two steps.
func (x *exchange) admit() error {
	steps := []func() error{
		x.route, x.authenticate, x.register, x.describe, x.recall, x.decide, x.announce,
	}
	for i, step := range steps {
		if i == toAnswer && x.lists() {
			break
		}
		err := step()
		if x.ctx != nil && x.ctx.Err() != nil {
			return context.Cause(x.ctx)
		}
		if err != nil {
			return err
		}
	}
	if x.request.Context().Err() != nil {
		return errClientGone
	}
	return nil
}

// route finds the provider. The path stays as it was on the wire, so that an
// escaped one matches nothing instead of something else.
func (x *exchange) route() error {
	if path, ok := strings.CutPrefix(x.request.URL.EscapedPath(), UnifiedPrefix); ok {
		return x.routeUnified("/" + path)
	}
	path, ok := strings.CutPrefix(x.request.URL.EscapedPath(), Prefix)
	kind, rest, _ := strings.Cut(path, "/")
	name, rest, _ := strings.Cut(rest, "/")
	if !ok || kind == "" || name == "" {
		return errUnknownResource
	}
	resource := kind + ":" + name
	provider, ok := x.p.cfg.Providers.Lookup(resource)
	if !ok {
		return errUnknownResource
	}
	x.provider, x.resource, x.path = provider, resource, "/"+rest
	x.expectBody()
	return nil
}

func (x *exchange) authenticate() error {
	caller, err := x.p.cfg.Pairing.Authenticate(pairing.AuthRequest{
		Authorization: x.request.Header.Values("Authorization"),
		Proof: dpop.Request{
			Headers: x.request.Header.Values("DPoP"),
			Method:  x.request.Method,
			URL:     x.p.cfg.PublicURL + x.request.URL.EscapedPath(),
		},
		BodySum: x.bodySum,
	})
	if err == dpop.ErrReplayFull { // as it is: no room. With more around it the journal cannot be written
		err = errProofsExhausted
	}
	switch {
	case errors.Is(err, errProofsExhausted), errors.Is(err, dpop.ErrInvalidProof), errors.Is(err, dpop.ErrReplayFull):
		x.caller = pairing.Caller{} // whose the proof was is not known after all
		return err
	case err != nil:
		return err
	}
	x.caller = *caller
	return nil
}

// bodySum reads the body for a proof that names it: of an app that may be
// served, and into that app's share.
func (x *exchange) bodySum(caller *pairing.Caller) ([sha256.Size]byte, error) {
	x.caller = *caller
	if err := x.register(); err != nil {
		return [sha256.Size]byte{}, err
	}
	return x.body.sum()
}

// register makes the exchange one that can be cut, and only then looks whether
// it may run. It comes before the body is read.
func (x *exchange) register() error {
	if x.entry != nil {
		return nil // while its proof was checked
	}
	// The upstream request outlives the client, to learn what it cost.
	x.ctx, x.stop = context.WithCancelCause(context.Background())
	x.body.appID = x.caller.App.ID
	e := &x.place
	e.appID, e.sessionID, e.cancel = x.caller.App.ID, x.caller.Session.ID, x.cancel
	if err := x.p.running.add(e); err != nil {
		return err
	}
	x.entry = e
	return x.standing()
}

// cancel stops the exchange, naming the refusal. It waits for nothing.
func (x *exchange) cancel(cause error) {
	x.stop(cause)
	go x.hurry()
}

// hurry ends what waits for the client.
func (x *exchange) hurry() {
	x.body.stop()
	x.reply.hurry(x.p.cfg.Timeouts.Cut)
}

func (x *exchange) standing() error {
	active := x.p.cfg.Pairing.Active(x.caller.Session.ID)
	switch {
	case x.p.cfg.Pairing.Frozen():
		return errFrozen
	case x.p.cfg.Vault.Locked():
		return vault.ErrLocked
	case active:
		return nil
	}
	if app, err := x.p.cfg.Pairing.App(x.caller.App.ID); err == nil && app.Status == pairing.AppSuspended {
		return errSuspended
	}
	return errEnded
}

// decide holds the request against the permission and takes its share of the
// limits, with a close estimate of the input where that makes a difference.
func (x *exchange) decide() error {
	err := x.decideThis()
	first := err
	for refused(err) && x.unified != nil && len(x.unified.targets) > 0 {
		x.letGo()
		if err = x.aimAtTarget(x.unified.next()); err == nil {
			err = x.decideThis()
		}
	}
	if err != nil {
		return first
	}
	return nil
}

// decideThis decides about what the request is aimed at.
func (x *exchange) decideThis() error {
	if x.closer == nil {
		x.closer = &x.first
	} else {
		x.closer = &closeCount{}
	}
	x.closer.of(x.call, x.p.running.turns, x.caller.App.ID)
	again, err := x.decideOnce(x.closer.possible())
	if again && err == nil {
		x.facts.InputTokens = x.closer.tokens()
		_, err = x.decideOnce(false)
	}
	return err
}

// decideOnce decides and notes what was decided, as one step for a permission
// that is replaced meanwhile. It does nothing but say so when the input should
// be estimated anew, which takes too long to be done in here.
func (x *exchange) decideOnce(canCount bool) (countFirst bool, err error) {
	rights := &x.entry.rights
	rights.mu.Lock()
	defer rights.mu.Unlock()
	permission, decision, err := x.p.judge(x.caller.App.ID, x.facts)
	if !slices.Contains(permission.Document.Origins, x.facts.Origin) {
		x.reply.hide()
	}
	if canCount && (err == nil || overInput(err)) && tooRough(permission.Document, x.facts) {
		return true, x.p.cfg.Ledger.Ready(permission.ID, permission.Document, x.facts)
	}
	if err != nil {
		return false, err
	}
	x.permission = permission
	if x.reservation, err = x.p.cfg.Ledger.Reserve(permission.ID, permission.Document, x.facts); err != nil {
		return false, err
	}
	if err := x.capOutput(cmp.Or(x.reservation.OutputCap(), decision.OutputCap)); err != nil {
		return false, err
	}
	rights.granted(x.facts, x.reservation, x.closer)
	rights.pin = permission.Document.Key
	x.p.until(x.entry, permission.Document.Until(x.facts.Time, x.p.cfg.Zone))
	return false, nil
}

// capOutput writes an output cap into the request; 0 is none.
func (x *exchange) capOutput(limit int64) error {
	if limit <= 0 {
		return nil
	}
	if err := x.call.SetOutputCap(limit); err != nil {
		return err
	}
	x.facts.OutputTokens = cmp.Or(x.call.Facts.OutputTokens, limit) // of the few actions that take none, the input bounds the output
	return nil
}
