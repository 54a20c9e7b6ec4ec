package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	reachTime   = 5 * time.Second     // for one address
	expirySoon  = 14 * 24 * time.Hour // a certificate should be renewed long before
	maxMetadata = 64 << 10
)

// PublicURL checks the address that apps and browsers use: that it is https
// unless it is this machine's, that its certificate is good for some time,
// and, when a gateway is serving, that this gateway answers there.
func PublicURL(ctx context.Context, address string, serving bool, now time.Time) []Finding {
	const check = "address"
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return []Finding{{check, Problem, fmt.Sprintf("%q is not an address", address), "give one such as --public-url https://keys.example.com"}}
	}
	var found []Finding
	if u.Scheme != "https" && !loopback(u.Hostname()) {
		return []Finding{{check, Problem, address + " is not https: tokens and the console's session cross the network in clear", "put a proxy with TLS in front, then: gateway serve --behind-proxy --public-url https://" + u.Host}}
	}
	if u.Scheme == "https" {
		found = append(found, certificate(ctx, check, u, now)...)
	}
	if serving && Worst(found) != Problem {
		found = append(found, answers(ctx, check, address))
	}
	if u.Scheme == "http" {
		found = append(found, Good(check, address+" can be used on this machine only, so that plain http is safe"))
	}
	return found
}

// certificate looks at the certificate that the address shows.
func certificate(ctx context.Context, check string, u *url.URL, now time.Time) []Finding {
	const remedy = "look at the proxy in front of the gateway: is it running, with a certificate for this name?"
	ends, err := handshake(ctx, u)
	if err != nil {
		return []Finding{{check, Problem, u.Host + " cannot be reached over TLS: " + cause(err), remedy}}
	}
	if left := ends.Sub(now); left < expirySoon {
		return []Finding{{check, Warning, fmt.Sprintf("the certificate of %s ends in %d days", u.Host, int(left/(24*time.Hour))), "renew it; most proxies do so by themselves when they are set up for it"}}
	}
	return []Finding{Good(check, "the certificate of "+u.Host+" is good until "+ends.UTC().Format(time.DateOnly))}
}

// handshake connects and returns when the certificate ends; the zero time
// without TLS.
func handshake(ctx context.Context, u *url.URL) (ends time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	address := net.JoinHostPort(u.Hostname(), port)
	if u.Scheme != "https" {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return time.Time{}, err
		}
		return time.Time{}, conn.Close()
	}
	dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return time.Time{}, err
	}
	ends = conn.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter
	return ends, conn.Close()
}

// answers checks that the gateway at the address says it is the one there:
// apps refuse to pair with one whose issuer is another.
func answers(ctx context.Context, check, address string) Finding {
	remedy := "check --public-url, and where the proxy in front of the gateway leads"
	issuer, err := readIssuer(ctx, address)
	switch {
	case err != nil:
		return Finding{check, Problem, "no gateway answers at " + address + ": " + cause(err), remedy}
	case issuer != address:
		return Finding{check, Problem, fmt.Sprintf("at %s another gateway answers", address), remedy}
	}
	return Good(check, "this gateway answers at "+address)
}

func readIssuer(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/.well-known/oauth-authorization-server", nil)
	if err != nil {
		return "", err
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it answers %s", res.Status)
	}
	var metadata struct {
		Issuer string `json:"issuer"`
	}
	if err := json.UnmarshalRead(io.LimitReader(res.Body, maxMetadata), &metadata); err != nil {
		return "", errors.New("what answers is no gateway")
	}
	return metadata.Issuer, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// cause is the end of a network error, without addresses that were tried.
func cause(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + reachTime.String()
	}
	return err.Error()
}
