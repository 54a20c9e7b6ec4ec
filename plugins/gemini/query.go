package gemini

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

const maxQuery = 4 << 10 // bytes

var (
	pageSize  = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)
	pageToken = regexp.MustCompile(`^[A-Za-z0-9_.=+/-]{1,1000}$`)
)

// readQuery makes the query of a call: whether a stream comes as events, and
// which page of a list. Other parameters are dropped, among them those that leave
// a part of an answer out (fields). Refused are credentials and what belongs in
// the body. No message has a value in it.
func readQuery(raw, action string) (string, error) {
	if len(raw) > maxQuery {
		return "", plugins.Invalid("", "the query is too long")
	}
	given, err := url.ParseQuery(raw)
	if err != nil {
		return "", plugins.Invalid("", "the query is malformed")
	}
	for name := range given {
		if plugins.Mistakable(name, credentials()...) {
			return "", plugins.Invalid("", "a key must not be in the URL; leave it out, the gateway adds the owner's")
		}
		if plugins.Mistakable(name, generateMembers()...) {
			return "", plugins.Invalid("", "request members belong in the body, not in the query")
		}
	}
	query := make(url.Values)
	if err := readAlt(given, action, query); err != nil {
		return "", err
	}
	if action == ModelsList {
		for name, shape := range map[string]*regexp.Regexp{"pageSize": pageSize, "pageToken": pageToken} {
			values := given[name]
			if len(values) == 0 {
				continue
			}
			if len(values) > 1 || !shape.MatchString(values[0]) {
				return "", plugins.Invalid(name, name+" is malformed or given twice")
			}
			query.Set(name, values[0])
		}
	}
	return query.Encode(), nil
}

// readAlt reads the form of the answer, which Google also takes as $alt. JSON is
// what comes without it.
func readAlt(given url.Values, action string, query url.Values) error {
	alt := slices.Concat(given["alt"], given["$alt"])
	switch {
	case len(alt) == 0 || len(alt) == 1 && alt[0] == "json":
		return nil
	case len(alt) == 1 && alt[0] == "sse" && action == StreamGenerateContent:
		query.Set("alt", "sse")
		return nil
	}
	for name := range given {
		if strings.TrimPrefix(name, "$") == "alt" {
			return plugins.Invalid("alt", "alt must be sse, with streamGenerateContent, or json, and be given once")
		}
	}
	return nil
}

// credentials are parameters by which Google's servers take a key or a token.
func credentials() []string {
	return []string{"key", "api_key", "access_token", "oauth_token", "bearer_token", "x-goog-api-key", "authorization"}
}
