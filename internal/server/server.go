// Package server puts the rooms together into one running gateway: it opens
// the store and everything above it, lists every route with its guard in one
// table, and serves them until told to stop.
//
// It guarantees that no route exists outside its table, that the public side
// and the owner's socket never share a handler, and that a stop lets running
// streams finish within the drain time. It holds no business rule.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/owner"
	"github.com/keywicket/keywicket/plugins"
)

const (
	// DefaultListen is where the gateway listens unless told otherwise.
	DefaultListen = "127.0.0.1:8787"
	// DefaultDrain is how long a stop waits for running requests.
	DefaultDrain = 30 * time.Second

	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10

	// headroom is by how much the collector lets the heap grow at least (bytes).
	// Go lets it double, which for a gateway that needs a few megabytes means
	// several collections a second, each for little.
	headroom = 32 << 20
)

// Config says how to run one gateway.
type Config struct {
	// DataDir holds the database, host key, audit log and socket; required.
	DataDir string
	// Listen is the TCP address of the public side; default DefaultListen.
	// Port 0 picks a free port.
	Listen string
	// PublicURL is the origin apps and browsers use; default http:// plus the
	// listen address when that is loopback, else required and https.
	PublicURL string
	// BehindProxy says that a reverse proxy terminates TLS and sets
	// X-Forwarded-For; default false, and then that header is ignored.
	BehindProxy bool
	// TrustedProxies are the addresses of proxies whose X-Forwarded-For counts
	// besides those on this machine; default none. Only with BehindProxy.
	TrustedProxies []netip.Prefix
	// Providers are the provider plugins; required.
	Providers []plugins.Provider
	// BuildProvider makes a provider of a manifest that the owner adds; default:
	// none can be added.
	BuildProvider func(plugins.Manifest) (plugins.Provider, error)
	// MetricsListen, when set, is a TCP address that serves GET /metrics and
	// nothing else: on loopback, or anywhere with MetricsTokenFile. The owner's
	// socket serves it in any case.
	MetricsListen string
	// MetricsTokenFile names a file with a bearer token, of at least 16
	// characters, that is then asked for on MetricsListen.
	MetricsTokenFile string
	// Zone is the owner's time zone for days and months; default time.Local.
	Zone *time.Location
	// UnlockFile, when set, names a key file that unlocks the vault at start.
	UnlockFile string
	// EpochFile is where the store remembers how far the database had come;
	// default in DataDir. Elsewhere, a whole old data directory put back is
	// noticed too.
	EpochFile string
	// BackupDir, when set, gets one backup a day; BackupKeep says how many are
	// kept there, default DefaultBackupKeep.
	BackupDir  string
	BackupKeep int
	// Drain bounds how long Serve waits for running requests when it stops;
	// default DefaultDrain.
	Drain time.Duration
	// DrainBytes and DrainTime bound how far an answer is read after its client
	// has gone, to learn what it cost; default 4 MiB and 30 s.
	DrainBytes int64
	DrainTime  time.Duration
	// DPoPNonce makes every proof carry a nonce that the gateway gave out a
	// moment ago (RFC 9449 section 8); default false.
	DPoPNonce bool
	// Clock is the time source; default time.Now.
	Clock func() time.Time
	// Log receives operational messages, never secrets; default none.
	Log *slog.Logger
	// UnauthenticatedPerMinute bounds requests without a session to the OAuth
	// and sign-in endpoints, per address; default 300. All addresses together
	// get ten times that.
	UnauthenticatedPerMinute int64
	// Version is reported by status; default "dev".
	Version string
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.BackupKeep == 0 {
		c.BackupKeep = DefaultBackupKeep
	}
	if c.Drain == 0 {
		c.Drain = DefaultDrain
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.UnauthenticatedPerMinute == 0 {
		c.UnauthenticatedPerMinute = 300
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	return c
}

// Server is one gateway, opened and listening but not yet serving.
type Server struct {
	cfg    Config
	rooms  *rooms
	tcp    net.Listener
	socket net.Listener
	scrape *metricsListener // nil: none is wanted
	url    string
	setup  string
	// ballast counts as in use and is never written to, so it takes no memory of
	// the machine's. What is in use besides is doubled as ever.
	ballast []byte
}

// New opens the data directory and both listeners. The caller must call Serve
// or Close.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if cfg.DataDir == "" {
		return nil, errors.New("starting gateway: Config.DataDir is required")
	}
	s := &Server{cfg: cfg, ballast: make([]byte, headroom)}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open() (err error) {
	if s.tcp, err = net.Listen("tcp", s.cfg.Listen); err != nil {
		return fmt.Errorf("listening: %w; choose another address with --listen", err)
	}
	if s.url, err = publicURL(s.cfg.PublicURL, s.tcp.Addr(), s.cfg.BehindProxy); err != nil {
		return err
	}
	if s.scrape, err = listenMetrics(s.cfg.MetricsListen, s.cfg.MetricsTokenFile); err != nil {
		return err
	}
	if s.rooms, err = openRooms(s.cfg, s.url); err != nil {
		return err
	}
	if s.socket, err = owner.ListenSocket(s.cfg.DataDir); err != nil {
		return err
	}
	if s.setup, err = s.rooms.setupURL(s.url); err != nil {
		return err
	}
	if err := s.rooms.unlockAtStart(s.cfg.UnlockFile); err != nil {
		return err
	}
	return s.rooms.audit.Append(audit.Event{Kind: audit.GatewayStarted, Actor: audit.Gateway, Detail: s.url})
}

// URL is the public origin, without a trailing slash.
func (s *Server) URL() string { return s.url }

// MetricsAddr is where metrics are served, or "" when only the socket does.
func (s *Server) MetricsAddr() string {
	if s.scrape == nil {
		return ""
	}
	return s.scrape.Addr().String()
}

// SetupURL is the one-time set-up link, or "" once the gateway is set up.
func (s *Server) SetupURL() string { return s.setup }

// Serve answers requests until ctx is done, then refuses new ones, lets
// running ones finish for up to Config.Drain, cuts the rest and closes
// everything. It returns nil after an orderly stop.
func (s *Server) Serve(ctx context.Context) error {
	public := s.httpServer(s.publicHandler())
	local := s.httpServer(s.socketHandler())
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(public, s.tcp) })
	group.Go(func() error { return serve(local, s.socket) })
	servers := []*http.Server{local, public}
	if s.scrape != nil {
		scraped := s.httpServer(s.scrape.guarded(s.rooms.metrics.handler()))
		scraped.ReadTimeout, scraped.WriteTimeout = requestTimeout, requestTimeout
		servers = append(servers, scraped)
		group.Go(func() error { return serve(scraped, s.scrape) })
	}
	if s.cfg.BackupDir != "" {
		daily := &backups{
			dir: s.cfg.BackupDir, keep: s.cfg.BackupKeep, clock: s.cfg.Clock, log: s.cfg.Log,
			make: keeper{s.rooms}.Backup, record: s.rooms.audit.Append,
		}
		group.Go(func() error { daily.run(running); return nil })
	}
	group.Go(func() error {
		<-running.Done()
		return s.stop(servers)
	})
	err := group.Wait()
	_ = s.rooms.audit.Append(audit.Event{Kind: audit.GatewayStopped, Actor: audit.Gateway}) // a stop is not refused
	return errors.Join(err, s.Close())
}

func serve(srv *http.Server, l net.Listener) error {
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", l.Addr(), err)
	}
	return nil
}

// stop drains the data plane first, with the listener still open, so that an
// app that comes during the drain is told shutting_down rather than refused a
// connection.
func (s *Server) stop(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Drain)
	defer cancel()
	if err := s.rooms.proxy.Drain(ctx); err != nil {
		s.cfg.Log.Warn("requests were cut at the end of the drain time", "drain", s.cfg.Drain)
	}
	// What is left now are answers on their last bytes and idle connections.
	last, cancelLast := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancelLast()
	for _, srv := range servers {
		if err := srv.Shutdown(last); err != nil {
			_ = srv.Close()
		}
	}
	return nil
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
}

// Close closes listeners and rooms. It is for a Server that is not served;
// Serve calls it at its end.
func (s *Server) Close() error {
	var errs []error
	listeners := []net.Listener{s.tcp, s.socket}
	if s.scrape != nil {
		listeners = append(listeners, s.scrape)
	}
	for _, l := range listeners {
		if l == nil {
			continue
		}
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.rooms != nil {
		errs = append(errs, s.rooms.close())
		s.rooms = nil
	}
	return errors.Join(errs...)
}
