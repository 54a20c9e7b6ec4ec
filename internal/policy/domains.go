package policy

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

const maxDomains = 64

// inDomains says whether a domain is one of those listed or below one that
// starts with a star. One that cannot be written in ASCII is none of them.
func inDomains(listed []string, domain string) bool {
	ascii, err := asciiDomain(domain)
	if err != nil {
		return false
	}
	for _, l := range listed {
		below, wild := strings.CutPrefix(l, "*")
		if l == ascii || wild && len(ascii) > len(below) && strings.HasSuffix(ascii, below) {
			return true
		}
	}
	return false
}

// asciiDomain is a domain in lower case and ASCII, as the DNS compares it
// (RFC 5891 section 5, with the mapping of UTS 46).
func asciiDomain(domain string) (string, error) {
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))
	return profile.ToASCII(domain)
}

// domains puts a list into the form that is compared.
func domains(path string, all []string) ([]string, error) {
	if all == nil {
		return nil, nil
	}
	ascii := make([]string, len(all))
	for i, text := range all {
		name, star := text, ""
		if below, wild := strings.CutPrefix(text, "*."); wild {
			name, star = below, "*."
		}
		d, err := asciiDomain(name)
		if err != nil {
			return nil, badDomain(path, i)
		}
		ascii[i] = star + d
	}
	return ascii, nil
}

func badDomain(path string, i int) error {
	return refuse(fmt.Sprintf("%s[%d]", path, i), `must be a domain such as example.com, or "*.example.com" for all below it`)
}

func validDomains(path string, all []string) error {
	if err := list(path, all, maxDomains); err != nil {
		return err
	}
	for i, text := range all {
		name := strings.TrimPrefix(text, "*.")
		if ascii, err := asciiDomain(name); err != nil || ascii != name || strings.HasSuffix(name, ".") {
			return badDomain(path, i)
		}
	}
	return nil
}
