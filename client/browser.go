package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// PairInBrowser pairs by the code flow, for apps on the machine that the owner's browser runs on: it listens on the
// loopback interface for the answer (RFC 8252 section 7.3) and calls open with the URL to show in the browser. It returns
// when the owner has decided or ctx ends; give ctx an end. Errors are those of Pair, and what open returns.
func PairInBrowser(ctx context.Context, pairingString string, app App, open func(url string) error) (*Connection, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the browser: %w", err)
	}
	defer listener.Close()
	a, err := Authorize(ctx, pairingString, app, "http://"+listener.Addr().String()+callbackPath)
	if err != nil {
		return nil, err
	}
	callback := &callback{authorization: a, answers: make(chan url.Values, 1)}
	server := &http.Server{Handler: callback, ReadHeaderTimeout: callTimeout, MaxHeaderBytes: 16 << 10}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer server.Close()
	if err := open(a.URL); err != nil {
		return nil, fmt.Errorf("opening the browser: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the owner: %w", ctx.Err())
	case err := <-served:
		return nil, fmt.Errorf("listening for the browser: %w", err)
	case answer := <-callback.answers:
		connection, err := a.Complete(ctx, answer)
		callback.finish(server)
		return connection, err
	}
}

const callbackPath = "/callback"

// callback is the page that the browser comes back to.
type callback struct {
	authorization *Authorization
	answers       chan url.Values
}

// ServeHTTP takes the one answer. Anything can send requests to a port on this machine, so what is not the answer to
// this question neither ends nor disturbs the wait.
func (b *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the code is in the address
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil {
		err = b.authorization.check(query)
	}
	if err != nil || r.Method != http.MethodGet || r.URL.Path != callbackPath {
		http.Error(w, "This is not the answer that is waited for.", http.StatusBadRequest)
		return
	}
	select {
	case b.answers <- query:
		_, _ = fmt.Fprintln(w, "The answer has arrived. You can close this window.")
	default:
		http.Error(w, "This has been answered.", http.StatusBadRequest)
	}
}

// finish lets the page be read before the listener goes.
func (b *callback) finish(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = server.Close()
	}
}
