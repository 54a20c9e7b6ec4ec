package proxy

import (
	"net"
	"net/http"
	"time"
)

const (
	maxResponseHeader = 64 << 10 // bytes
	idlePerProvider   = 128      // connections kept open to one host
	idleConnection    = 90 * time.Second
	keepAlive         = 30 * time.Second
)

// transports are the ways to the providers.
type transports struct {
	kept  *http.Transport // its connections are used again
	fresh *http.Transport // one connection for each request
}

func newTransports(t Timeouts) transports {
	all := transports{kept: newTransport(t), fresh: newTransport(t)}
	all.fresh.DisableKeepAlives = true
	return all
}

// RoundTrip implements http.RoundTripper. What has no body goes on a connection
// of its own: net/http sends a GET again by itself when a connection that was
// used before closes, and no limit would have counted that one.
func (t transports) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return t.fresh.RoundTrip(r)
	}
	return t.kept.RoundTrip(r)
}

func (t transports) closeIdle() {
	t.kept.CloseIdleConnections()
	t.fresh.CloseIdleConnections()
}

// newTransport makes a way to the providers. It takes no proxy from the
// environment, through which a key could travel in the clear; it asks for no
// compression, because metering reads the bytes; and as a RoundTripper it
// never follows a redirect.
func newTransport(t Timeouts) *http.Transport {
	dialer := &net.Dialer{Timeout: t.Dial, KeepAlive: keepAlive}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    t.TLS,
		ResponseHeaderTimeout:  t.Header,
		IdleConnTimeout:        idleConnection,
		MaxIdleConnsPerHost:    idlePerProvider,
		MaxResponseHeaderBytes: maxResponseHeader,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
}
