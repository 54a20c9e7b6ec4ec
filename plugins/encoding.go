package plugins

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const maxQueryBytes = 4 << 10 // every name in a query is compared with every critical one

// CheckPlainJSON accepts the headers of an uncoded JSON body in UTF-8 and no
// others: a coded body would have to be read twice, by two decoders that may
// disagree. Errors are *[Error] with code unsupported_encoding.
func CheckPlainJSON(h http.Header) error {
	if err := CheckUncoded(h); err != nil {
		return err
	}
	types := h["Content-Type"]
	if len(types) == 1 && types[0] == "application/json" {
		return nil // what nearly all say
	}
	if len(types) == 1 {
		media, params, err := mime.ParseMediaType(types[0])
		charset, given := params["charset"]
		if err == nil && media == "application/json" && (!given || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return UnsupportedEncoding("send the body as Content-Type: application/json in UTF-8")
}

// CheckUncoded refuses every Content-Encoding but identity.
func CheckUncoded(h http.Header) error {
	for _, coding := range h["Content-Encoding"] {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return UnsupportedEncoding("send the body without Content-Encoding")
		}
	}
	return nil
}

// CheckNoQuery is for endpoints that have no query. Parameters that say nothing
// a policy looks at are to be dropped in silence, since some clients add an
// api-version everywhere; one that may be taken for one of critical is refused,
// because a server might believe it rather than the body.
func CheckNoQuery(raw string, critical ...string) error {
	if raw == "" {
		return nil
	}
	if len(raw) > maxQueryBytes {
		return Invalid("", "the query is too long; the endpoint takes none")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return Invalid("", "the query is malformed; the endpoint takes none")
	}
	for name := range values {
		if Mistakable(name, critical...) {
			return Invalid("", "request members belong in the body, not in the query")
		}
	}
	return nil
}
