package openaifake

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server is a fake listening on a free loopback port.
type Server struct {
	*Fake
	url  string
	http *http.Server
	done chan struct{}
}

// Start listens on 127.0.0.1 and serves until Close.
func Start(cfg Config) (*Server, error) {
	fake, err := New(cfg)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("openaifake: listening: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		Fake: fake,
		url:  "http://" + listener.Addr().String() + "/v1",
		http: &http.Server{
			Handler:           fake,
			ReadHeaderTimeout: 10 * time.Second,
			BaseContext:       func(net.Listener) context.Context { return ctx },
		},
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		defer cancel()
		s.http.Serve(listener) // returns http.ErrServerClosed once Close is called
	}()
	return s, nil
}

// BaseURL is what a client is given as OpenAI's address: it ends in /v1.
func (s *Server) BaseURL() string { return s.url }

// Close ends all connections, also those that stream or hang, and returns once
// nothing listens any more.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	return err
}
