package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const maxAddresses = 64

// judgeAddress holds the client's address against the networks granted. An
// IPv4 address counts as one however it is written; a zone names an interface
// of the gateway's and not the client.
func judgeAddress(d Document, req Request) verdict {
	if d.Addresses == nil {
		return pass(unrestricted)
	}
	address := req.Address.Unmap().WithZone("")
	if !address.IsValid() {
		return fail(CodeAddressNotAllowed, "the address that the request comes from is not known, and this permission is bound to addresses")
	}
	for _, network := range d.Addresses {
		if network.Contains(address) {
			return pass("granted")
		}
	}
	return fail(CodeAddressNotAllowed, "requests from %s may not use this permission; ask the owner to add the address", address)
}

// network reads "203.0.113.0/24" or one address.
func network(path, text string) (netip.Prefix, error) {
	wrong := refuse(path, "must be an IP address or a network such as 203.0.113.0/24, without a zone")
	if !strings.Contains(text, "/") {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, wrong
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, wrong
	}
	p = unmapped(p)
	return p, isNetwork(path, p)
}

// unmapped writes a network of IPv4 addresses as what it is.
func unmapped(p netip.Prefix) netip.Prefix {
	const mapped = 96 // the bits in front of an IPv4 address
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p
}

// isNetwork refuses what would be taken for something narrower than it is.
func isNetwork(path string, p netip.Prefix) error {
	switch {
	case !p.IsValid() || unmapped(p) != p:
		return refuse(path, "must be an IP address or a network such as 203.0.113.0/24, without a zone")
	case p.Masked() != p:
		return refuse(path, "has bits beyond its length; the network is %s", p.Masked())
	}
	return nil
}

func (d Document) validateAddresses() error {
	if d.Addresses != nil && (len(d.Addresses) == 0 || len(d.Addresses) > maxAddresses) {
		return refuse("addresses", "must list 1 to %d; leave it out to allow all", maxAddresses)
	}
	for i, p := range d.Addresses {
		at := fmt.Sprintf("addresses[%d]", i)
		if err := isNetwork(at, p); err != nil {
			return err
		}
		if slices.Contains(d.Addresses[:i], p) {
			return refuse(at, "is listed twice")
		}
	}
	return nil
}

// addressWords writes a network of one address as that address.
func addressWords(networks []netip.Prefix) string {
	words := make([]string, len(networks))
	for i, p := range networks {
		words[i] = p.String()
		if p.IsSingleIP() {
			words[i] = p.Addr().String()
		}
	}
	return anyOf(words)
}
