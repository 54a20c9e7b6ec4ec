package proxy

import (
	"net"
	"net/http"
	"time"
)

const (
	maxResponseHeader = 64 << 10 // bytes
	idlePerProvider   = 128      // connections kept open to one host
	connectionBuffer  = 2 << 10  // bytes each way: room for a head; what is larger is read and written past it
	idleConnection    = 90 * time.Second
	keepAlive         = 30 * time.Second
)

// transports are the ways to the providers.
type transports struct {
	public  way // refuses addresses that are not public
	private way // the owner has agreed to those
}

func newTransports(t Timeouts) transports {
	dialer := net.Dialer{Timeout: t.Dial, KeepAlive: keepAlive}
	guarded := dialer
	guarded.ControlContext = onlyPublic
	return transports{public: newWay(t, &guarded), private: newWay(t, &dialer)}
}

// send sends an upstream's request on the way that it may take.
func (t transports) send(u *upstream, r *http.Request) (*http.Response, error) {
	if u.private {
		return t.private.RoundTrip(r)
	}
	return t.public.RoundTrip(r)
}

func (t transports) closeIdle() {
	t.public.closeIdle()
	t.private.closeIdle()
}

// way is one of them.
type way struct {
	kept  *http.Transport // its connections are used again
	fresh *http.Transport // one connection for each request
}

func newWay(t Timeouts, dialer *net.Dialer) way {
	w := way{kept: newTransport(t, dialer), fresh: newTransport(t, dialer)}
	w.fresh.DisableKeepAlives = true
	return w
}

// RoundTrip implements http.RoundTripper. What has no body goes on a connection
// of its own: net/http sends a GET again by itself when a connection that was
// used before closes, and no limit would have counted that one.
func (w way) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return w.fresh.RoundTrip(r)
	}
	return w.kept.RoundTrip(r)
}

func (w way) closeIdle() {
	w.kept.CloseIdleConnections()
	w.fresh.CloseIdleConnections()
}

// newTransport makes a way to the providers. It takes no proxy from the
// environment, through which a key could travel in the clear; it asks for no
// compression, because metering reads the bytes; and as a RoundTripper it
// never follows a redirect.
func newTransport(t Timeouts, dialer *net.Dialer) *http.Transport {
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    t.TLS,
		ResponseHeaderTimeout:  t.Header,
		IdleConnTimeout:        idleConnection,
		MaxIdleConnsPerHost:    idlePerProvider,
		ReadBufferSize:         connectionBuffer,
		WriteBufferSize:        connectionBuffer,
		MaxResponseHeaderBytes: maxResponseHeader,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
}
