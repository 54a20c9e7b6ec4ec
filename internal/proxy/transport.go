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

// newTransport makes the way to the providers. It takes no proxy from the
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
