package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// minMetricsToken is how long a token for metrics must be, in bytes: it is
// sent to a port that others may reach.
const minMetricsToken = 16

// handler answers GET /metrics with what m counts and the rooms' state.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// metricsListener is the separate listener for metrics, and what guards it.
type metricsListener struct {
	net.Listener
	token []byte // empty: none is asked for, and only this machine can connect
}

// listenMetrics opens the listener, or none when address is empty. Without a
// token it listens on loopback only.
func listenMetrics(address, tokenFile string) (*metricsListener, error) {
	if address == "" {
		return nil, nil
	}
	var l metricsListener
	var err error
	if tokenFile != "" {
		if l.token, err = readMetricsToken(tokenFile); err != nil {
			return nil, err
		}
	}
	if l.Listener, err = net.Listen("tcp", address); err != nil {
		return nil, fmt.Errorf("listening for metrics: %w; choose another address with --metrics-listen", err)
	}
	bound, err := netip.ParseAddrPort(l.Addr().String())
	if len(l.token) == 0 && (err != nil || !bound.Addr().Unmap().IsLoopback()) {
		return nil, errors.Join(fmt.Errorf("metrics on %s could be read by others: give --metrics-token-file FILE, or listen on 127.0.0.1", l.Addr()), l.Close())
	}
	return &l, nil
}

func readMetricsToken(path string) ([]byte, error) {
	data, err := readKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the token for metrics: %w", err)
	}
	token, _, _ := strings.Cut(string(data), "\n")
	token = strings.TrimSpace(token)
	if len(token) < minMetricsToken {
		return nil, fmt.Errorf("the token for metrics in %s is shorter than %d characters; make one with: head -c 24 /dev/urandom | base64", path, minMetricsToken)
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o004 != 0 {
		return nil, fmt.Errorf("the token for metrics in %s can be read by everybody; run: chmod 600 %[1]s", path)
	}
	return []byte(token), err
}

// guarded serves GET /metrics and nothing else.
func (l *metricsListener) guarded(metrics http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case r.URL.Path != "/metrics":
			http.NotFound(w, r)
		case r.Method != http.MethodGet:
			w.Header().Set("Allow", http.MethodGet)
			w.WriteHeader(http.StatusMethodNotAllowed)
		case !l.allows(r):
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
		default:
			metrics.ServeHTTP(w, r)
		}
	})
}

// allows checks the token. Where there is none, the request must name this
// machine: a web page whose name is made to resolve to it does not.
func (l *metricsListener) allows(r *http.Request) bool {
	if len(l.token) == 0 {
		return namesLoopback(r.Host)
	}
	given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256(l.token)
	return found && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
