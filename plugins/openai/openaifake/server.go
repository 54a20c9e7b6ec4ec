package openaifake

import "github.com/keywicket/keywicket/plugins/fakeupstream"

// Server is a fake listening on a free loopback port.
type Server struct {
	*Fake
	*fakeupstream.Server
}

// Start listens on 127.0.0.1 and serves until Close.
func Start(cfg Config) (*Server, error) {
	fake, server, err := fakeupstream.Start(New(cfg))
	if err != nil {
		return nil, err
	}
	return &Server{Fake: fake, Server: server}, nil
}

// BaseURL is what a client is given as OpenAI's address: it ends in /v1.
func (s *Server) BaseURL() string { return s.URL() + "/v1" }
