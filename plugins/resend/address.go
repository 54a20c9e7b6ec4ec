package resend

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/net/idna"

	"github.com/keywicket/keywicket/plugins"
)

const (
	maxRecipients   = 200  // in one member; Resend itself takes 50
	maxAddressBytes = 1000 // display name included
)

// address is one mailbox.
type address struct {
	text   string // to be sent
	local  string
	domain string // lower case, ASCII
}

// addresses reads a member that is one address or an array of at most most, and
// replaces it when a domain had to be put into ASCII. None when it is absent or
// null, but from must be there.
func addresses(message *plugins.Object, name string, most int) ([]address, error) {
	texts, err := addressTexts(message, name, most)
	if err != nil {
		return nil, err
	}
	if name == "from" && len(texts) != 1 {
		return nil, plugins.Invalid(name, "from must be one address")
	}
	all := make([]address, len(texts))
	changed := false
	for i, text := range texts {
		a, ok := parseAddress(text)
		if !ok {
			return nil, plugins.Invalid(name, fmt.Sprintf(
				`%s holds an address that the gateway cannot read without doubt; write ada@example.com or Ada <ada@example.com>`, name))
		}
		changed = changed || a.text != text
		all[i], texts[i] = a, a.text
	}
	if !changed {
		return all, nil
	}
	var value jsontext.Value
	if raw, _ := message.Value(name); raw.Kind() == '"' {
		value, err = json.Marshal(texts[0])
	} else {
		value, err = json.Marshal(texts)
	}
	if err != nil {
		return nil, plugins.Invalid(name, name+" is not valid text")
	}
	return all, message.Set(name, value)
}

// addressTexts are the strings of a member that is a string or an array of them.
func addressTexts(message *plugins.Object, name string, most int) ([]string, error) {
	bad := plugins.Invalid(name, fmt.Sprintf("%s must be a string or an array of at most %d strings", name, most))
	raw, ok := message.Value(name)
	switch {
	case !ok || raw.Kind() == 'n':
		return nil, nil
	case raw.Kind() == '"':
		text, _, err := message.String(name)
		return []string{text}, err
	case raw.Kind() != '[' || name == "from":
		return nil, bad
	}
	n, _, err := message.Len(name)
	if err != nil || n > most {
		return nil, bad
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		return nil, bad
	}
	for _, text := range texts { // null decodes as nothing
		if text == "" {
			return nil, bad
		}
	}
	return texts, nil
}

// parseAddress reads a mailbox (RFC 5322 section 3.4, in UTF-8 as of RFC 6532).
//
// What another reader could take for a different mailbox is not read: a second @
// anywhere (in a display name, a comment, a quoted local part, an encoded word),
// anything behind the domain, groups, routes, domain literals, angle brackets in
// a name, control characters.
func parseAddress(text string) (address, bool) {
	if len(text) > maxAddressBytes || strings.ContainsFunc(text, unicode.IsControl) || strings.Count(text, "@") != 1 {
		return address{}, false
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsAny(parsed.Name, "@<>") {
		return address{}, false
	}
	local, domain, _ := strings.Cut(parsed.Address, "@")
	before, after, _ := strings.Cut(text, "@")
	behind, found := strings.CutPrefix(after, domain)
	brackets := strings.Count(before, "<")
	if !found || local == "" || brackets > 1 || strings.TrimSpace(behind) != strings.Repeat(">", brackets) {
		return address{}, false
	}
	ascii, ok := asciiDomain(domain)
	if !ok {
		return address{}, false
	}
	if strings.ContainsFunc(domain, func(r rune) bool { return r > unicode.MaxASCII }) {
		text = before + "@" + ascii + behind
	}
	return address{text: text, local: local, domain: ascii}, true
}

// asciiDomain is a domain as the DNS knows it (IDNA 2008), in lower case.
func asciiDomain(domain string) (string, bool) {
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") || strings.HasSuffix(ascii, ".") || len(ascii) > 253 {
		return "", false
	}
	return strings.ToLower(ascii), true
}
