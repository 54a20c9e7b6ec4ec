package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// errPrivateAddress is a provider whose name leads to an address that is not
// public, where the owner has not agreed to that.
var errPrivateAddress = errors.New("the provider is at a private address, which the owner has not allowed")

// onlyPublic is a net.Dialer.ControlContext that refuses addresses that are not
// public. It sees the address that is really connected to, after the name has
// been resolved: a name that leads to one address when it is checked and to
// another when it is used gains nothing.
func onlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s is no address", errPrivateAddress, address)
	}
	if !public(at.Addr()) {
		return fmt.Errorf("%w: %s", errPrivateAddress, at.Addr())
	}
	return nil
}

// notPublic are the IPv4 networks that are not globally reachable (IANA IPv4
// Special-Purpose Address Registry, RFC 6890), multicast and what is reserved.
func notPublic() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	)
}

// notPublic6 are those within 2000::/3, outside of which nothing in IPv6 is
// public (IANA IPv6 Special-Purpose Address Registry).
func notPublic6() []netip.Prefix {
	return prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
}

// public says whether an address is one that the whole internet can reach.
// IPv4 within IPv6 counts as what it leads to: mapped addresses (RFC 4291) and
// those of a NAT64 (RFC 6052).
func public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if a.Is4() {
		return a.IsValid() && !within(a, notPublic())
	}
	if nat64 := netip.MustParsePrefix("64:ff9b::/96"); nat64.Contains(a) {
		bytes := a.As16()
		return public(netip.AddrFrom4([4]byte(bytes[12:])))
	}
	return a.IsValid() && netip.MustParsePrefix("2000::/3").Contains(a) && !within(a, notPublic6())
}

func within(a netip.Addr, all []netip.Prefix) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}
