package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// playBare is the least that a reverse proxy can do. It keeps as many
// connections as the gateway does.
func playBare(p part) (*player, error) {
	to := &url.URL{Scheme: "http", Host: p.Upstream}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true},
	}
	return serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else the server closes the request's body with the first flush, and
		// the transport, if it has not yet looked for the end, breaks off.
		_ = http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	}))
}

// serve serves a handler on a free port of loopback.
func serve(h http.Handler) (*player, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: h}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	return &player{address: l.Addr().String(), close: func() error {
		err := server.Close()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}}, nil
}
