package server

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/ulule/limiter/v3"
	"github.com/ulule/limiter/v3/drivers/store/memory"
)

// requestTimeout bounds reading and answering everything but the data plane
// and the socket's followed audit log, which set deadlines of their own.
const requestTimeout = 30 * time.Second

// guard looks at a request before its handler does. It refuses it by an error,
// or by answering it.
type guard func(echo.Context) error

// inOrder asks one guard after the other. They do not wrap each other: what is
// around a handler stays on the stack for as long as that runs, hours for a
// stream, and those of a thousand streams were a megabyte.
func inOrder(guards ...guard) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			for _, ask := range guards {
				if err := ask(c); err != nil || c.Response().Committed {
					return err
				}
			}
			return next(c)
		}
	}
}

// throttle slows one kind of unauthenticated request: per address, and all
// addresses together. A kind has its own throttle so that a flood of one (say
// guessed pairing codes) does not shut the owner out of another.
type throttle struct{ address, all *limiter.Limiter }

func newThrottle(perMinute int64) *throttle {
	per := func(n int64) *limiter.Limiter {
		return limiter.New(memory.NewStore(), limiter.Rate{Period: time.Minute, Limit: n})
	}
	return &throttle{address: per(perMinute), all: per(10 * perMinute)}
}

// guard refuses with 429 what is over either limit.
func (t *throttle) guard(c echo.Context) error {
	wait, err := t.wait(c.Request().Context(), c.RealIP())
	if err != nil {
		return err
	}
	if wait > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.FormatInt(int64(wait/time.Second), 10))
		return echo.NewHTTPError(http.StatusTooManyRequests, "too many requests: wait and try again")
	}
	return nil
}

// wait is how long the address must hold back, at least a second, or 0. What
// its own limit refuses does not count against all: one address must not use
// up everybody's. Memory stays bounded, since an address is only remembered
// while the limit on all has room.
func (t *throttle) wait(ctx context.Context, address string) (time.Duration, error) {
	const everybody = "all"
	for _, step := range []struct {
		count func(context.Context, string) (limiter.Context, error)
		key   string
		peek  bool
	}{{t.all.Peek, everybody, true}, {t.address.Get, addressKey(address), false}, {t.all.Get, everybody, false}} {
		state, err := step.count(ctx, step.key)
		if err != nil {
			return 0, fmt.Errorf("counting requests: %w", err)
		}
		if state.Reached || step.peek && state.Remaining == 0 {
			return max(time.Until(time.Unix(state.Reset, 0)).Round(time.Second), time.Second), nil
		}
	}
	return 0, nil
}

// addressKey counts an IPv6 host by its /64, which one subscriber holds whole.
func addressKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// deadlines bounds how long a client may take to send its request and take
// the answer.
func deadlines(c echo.Context) error {
	control := http.NewResponseController(c.Response())
	end := time.Now().Add(requestTimeout)
	if err := control.SetReadDeadline(end); err != nil {
		return err
	}
	return control.SetWriteDeadline(end)
}

// securityHeaders says on every answer what no browser may do with it. A
// provider's answer may be HTML, on the console's origin: the sandbox makes it
// nobody's page. The console's pages set a policy of their own.
func securityHeaders(https bool) guard {
	all := http.Header{}
	all.Set(echo.HeaderXContentTypeOptions, "nosniff")
	all.Set(echo.HeaderXFrameOptions, "DENY")
	all.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'; sandbox")
	all.Set("Referrer-Policy", "no-referrer")
	all.Set("Cross-Origin-Resource-Policy", "same-origin")
	if https {
		all.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
	}
	return func(c echo.Context) error {
		// The values are shared: setting one puts another in its place, and
		// adding to one, which has no room, makes a copy.
		maps.Copy(c.Response().Header(), all)
		return nil
	}
}

// nonce puts the server nonce on every answer to apps, when proofs need one
// (RFC 9449 section 8.2).
func (r *rooms) nonce(c echo.Context) error {
	if nonce := r.pairing.Nonce(); nonce != "" {
		c.Response().Header().Set("DPoP-Nonce", nonce)
	}
	return nil
}

// clientAddress decides whom a request is counted and audited as. The
// X-Forwarded-For header is anybody's to write, so it counts only behind a
// proxy, and then only the part that proxies on this machine or at the named
// addresses added.
func clientAddress(behindProxy bool, proxies []netip.Prefix) echo.IPExtractor {
	if !behindProxy {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(true), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trust = append(trust, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// atHome lets a browser use the console under the public origin only. A page
// that made its own name point here (DNS rebinding) shares no origin with the
// console, and must not be able to try passphrases as if it were the console.
func atHome(origin string) guard {
	_, home, _ := strings.Cut(origin, "://")
	return func(c echo.Context) error {
		r := c.Request()
		switch {
		case strings.EqualFold(r.Host, home):
			return nil
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			return c.Redirect(http.StatusTemporaryRedirect, origin+r.URL.RequestURI())
		}
		return echo.NewHTTPError(http.StatusMisdirectedRequest, "the console is at "+origin)
	}
}

// realAddress hands the client's address to handlers that are plain net/http.
func realAddress(c echo.Context) error {
	c.Request().RemoteAddr = net.JoinHostPort(c.RealIP(), "0")
	return nil
}
