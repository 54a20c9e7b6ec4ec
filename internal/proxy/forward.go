package proxy

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

const maxForeignID = 128 // bytes of a provider's request id

// forward sends the call, with one key after the other where it may, and brings
// an answer back. It panics with http.ErrAbortHandler when an answer has begun
// and cannot be completed: only closing the connection tells the client so.
func (x *exchange) forward() {
	stopWatching := context.AfterFunc(x.request.Context(), x.clientLeft)
	defer stopWatching()
	next, err := x.nextKey()
	if err != nil {
		next = x.nextTarget()
	}
	if next == nil {
		x.refuse(cmp.Or(context.Cause(x.ctx), err))
		return
	}
	for next != nil {
		x.begin(next)
		next = x.another(x.send())
	}
	if err := x.try.err; err != nil {
		x.fail(err)
		return
	}
	if err := x.accept(x.try.res); err != nil {
		x.fail(err)
		return
	}
	if err := x.relay(x.try.res); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// clientLeft gives the provider a bounded time to say what an answer cost that
// nobody reads.
func (x *exchange) clientLeft() {
	wait := time.NewTimer(x.p.cfg.DrainTime)
	defer wait.Stop()
	select {
	case <-wait.C:
		x.cancel(errClientGone)
	case <-x.ctx.Done():
	}
}

// accept looks at the provider's answer before its first byte goes out, and
// makes it what the client may have of it. What it cannot meter or must not
// follow is refused.
func (x *exchange) accept(res *http.Response) error {
	elsewhere := res.StatusCode < 200 || res.StatusCode >= 300 && res.StatusCode < 400
	x.failed = res.StatusCode >= 400 || elsewhere && x.asksModel()
	switch {
	case x.ctx.Err() != nil:
		return context.Cause(x.ctx)
	case x.try.outcome == keyUnfit:
		return errKeyUnfit
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusProxyAuthRequired:
		return errKeyRefused // the answer may quote parts of the key
	case elsewhere:
		return errRedirected // what is no question to a model may have been done
	case res.Header.Get("Content-Encoding") != "" && res.Header.Get("Content-Encoding") != "identity":
		return errUnreadable
	}
	x.scrub = newScrubber(x.try.secret.Bytes())
	scrub := x.scrub
	x.meter = x.provider.NewMeter(x.call)
	src := x.newSource(res.Body)
	if isEventStream(res.Header.Get("Content-Type")) {
		x.answer, x.atOnce = x.newStream(src, scrub), true
	} else {
		x.answer = x.newAnswer(src, scrub)
		x.atOnce = x.facts.Stream || res.ContentLength < 0 || res.ContentLength > bufferBytes
	}
	res.Header = x.answerHeader(res.Header, scrub)
	return nil
}

// isEventStream reads the type only of what may be one.
func isEventStream(contentType string) bool {
	const kind = "text/event-stream"
	if len(contentType) < len(kind) || !strings.EqualFold(contentType[:len(kind)], kind) {
		return false
	}
	media, _, _ := mime.ParseMediaType(contentType)
	return media == kind
}

// answerHeader is the dialect's allowlist, less what belongs to this hop. The
// length is left out: the answer's end is then told by the connection, after
// the exchange has been settled.
func (x *exchange) answerHeader(from http.Header, scrub scrubber) http.Header {
	header := x.provider.ResponseHeader(from)
	if id := from.Get("X-Request-Id"); id != "" && len(id) <= maxForeignID && header.Get("X-Upstream-Request-Id") != id {
		header.Set("X-Upstream-Request-Id", id)
	}
	for name, values := range header {
		if ofThisHop(name) || slices.ContainsFunc(values, scrub.shows) {
			delete(header, name)
		}
	}
	own := []string{"no-store", "no"}
	header["Cache-Control"] = own[:1:1]
	header["X-Accel-Buffering"] = own[1:] // a proxy in front must pass events on at once
	return header
}

// ofThisHop says that a header of a provider's is the gateway's own to write.
func ofThisHop(name string) bool {
	switch name {
	case "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade", "Location", "Set-Cookie", "Www-Authenticate", "X-Request-Id":
		return true
	}
	return false
}

// fail answers when the provider did not, or not acceptably.
func (x *exchange) fail(err error) {
	if errors.Is(err, errKeyRefused) {
		x.note = errKeyRefused.Error()
		x.p.cfg.Log.Warn("provider refuses the stored key", "request_id", x.id, "resource", x.resource)
	}
	x.p.cfg.Log.Debug("provider failed", "request_id", x.id, "resource", x.resource, "error", x.try.unquoted(err))
	reason := x.reason(err)
	if reason == errUpstream {
		x.failed = true
	}
	x.refuse(reason)
}

// reason tells why an upstream exchange broke: because it was stopped here, or
// the limits had no room for more, or the provider was too slow, or otherwise
// failed.
func (x *exchange) reason(err error) error {
	var (
		slow   net.Error
		denied *policy.Denied
	)
	switch {
	case x.ctx.Err() != nil:
		return context.Cause(x.ctx)
	case errors.Is(err, errKeyRefused), errors.Is(err, errKeyUnfit):
		return err
	case errors.Is(err, errUnreadable):
		return errUnreadable
	case errors.Is(err, errRedirected):
		return errRedirected
	case errors.Is(err, errPrivateAddress):
		return errPrivateAddress
	case errors.As(err, &denied), errors.Is(err, policy.ErrUnavailable):
		return err
	case errors.As(err, &slow) && slow.Timeout():
		return errUpstreamTimeout
	}
	return errUpstream
}
