package fakeupstream

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server is a stand-in listening on a free loopback port.
type Server struct {
	url  string
	http *http.Server
	done chan struct{}
}

// Start has a stand-in, if it was made without error, served on 127.0.0.1 until
// Close.
func Start[F http.Handler](fake F, err error) (F, *Server, error) {
	if err != nil {
		return fake, nil, err
	}
	server, err := Listen(fake)
	return fake, server, err
}

// Listen serves handler on 127.0.0.1 until Close.
func Listen(handler http.Handler) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fakeupstream: listening: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		url: "http://" + listener.Addr().String(),
		http: &http.Server{
			Handler:           handler,
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

// URL is the server's address, without a path.
func (s *Server) URL() string { return s.url }

// Close ends all connections, also those that stream or hang, and returns once
// nothing listens any more.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	return err
}
