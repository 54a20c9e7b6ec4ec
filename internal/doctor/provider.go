package doctor

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"sync"
)

// Provider is somewhere that requests are forwarded to.
type Provider struct {
	Resource string // such as llm:openai
	BaseURL  string
	// AllowPrivate is the owner's yes to an address that is not public.
	AllowPrivate bool
}

// Providers connects to each address, all at once, and sends nothing.
func Providers(ctx context.Context, all []Provider) []Finding {
	const check = "providers"
	if len(all) == 0 {
		return []Finding{{check, Note, "no provider key is stored, so no provider was tried", "store one with: gateway key add llm:openai"}}
	}
	found := make([]Finding, len(all))
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() { found[i] = reach(ctx, check, p) })
	}
	wg.Wait()
	return found
}

func reach(ctx context.Context, check string, p Provider) Finding {
	u, err := url.Parse(p.BaseURL)
	if err == nil {
		_, err = handshake(ctx, u)
	}
	if err != nil {
		return Finding{check, Problem, p.Resource + " cannot be reached at " + host(u, p) + ": " + cause(err), "check this machine's network, name service and firewall, or the base URL of the key in: gateway key list"}
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return Finding{check, Warning, p.Resource + " is reached at " + u.Host + " in clear: the key crosses the network", "store the key again with an https address: gateway key add " + p.Resource + " --base-url https://…"}
	}
	if near(u.Hostname()) && !p.AllowPrivate {
		return Finding{check, Problem, p.Resource + " is at a private address, " + u.Host + ", which is not allowed for its key: requests are refused", "if it is meant to be there, store the key again: gateway key add " + p.Resource + " --base-url " + p.BaseURL + " --allow-private"}
	}
	return Good(check, p.Resource+" can be reached at "+u.Host)
}

// near says that a host is written as an address of this machine or of a private
// network. What a name leads to is looked at when a request is sent.
func near(host string) bool {
	addr, err := netip.ParseAddr(host)
	return loopback(host) || err == nil && (addr.Unmap().IsPrivate() || addr.Unmap().IsLinkLocalUnicast())
}

func host(u *url.URL, p Provider) string {
	if u == nil || u.Host == "" {
		return strings.TrimSpace(p.BaseURL)
	}
	return u.Host
}
