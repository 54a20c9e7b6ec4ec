package anthropic

import (
	"net/url"
	"regexp"

	"github.com/keywicket/keywicket/plugins"
)

const maxQuery = 4 << 10 // bytes; every name in it is compared with every decisive one

// checkQuery lets no query through: Anthropic's own SDKs add beta=true to some
// paths, where the header says the same. Parameters that say nothing a policy
// looks at are dropped in silence; one that names what belongs in the body is
// refused, because a server might believe it rather than the body.
func checkQuery(raw string) error {
	values, err := parseQuery(raw)
	if err != nil {
		return err
	}
	for name := range values {
		if plugins.Mistakable(name, decisive()...) {
			return plugins.Invalid("", "request members belong in the body, not in the query")
		}
	}
	return nil
}

func parseQuery(raw string) (url.Values, error) {
	if len(raw) > maxQuery {
		return nil, plugins.Invalid("", "the query is too long")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, plugins.Invalid("", "the query is malformed")
	}
	return values, nil
}

var (
	modelID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@-]{0,255}$`)
	pageLimit = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)
)

// describeModels forwards the three parameters by which a list is read page by
// page, and drops all others.
func describeModels(req plugins.Request, call *plugins.Call) error {
	if len(req.Body) > 0 {
		return plugins.Invalid("", "listing models takes no body")
	}
	given, err := parseQuery(req.RawQuery)
	if err != nil {
		return err
	}
	page := make(url.Values)
	for name, shape := range map[string]*regexp.Regexp{"after_id": modelID, "before_id": modelID, "limit": pageLimit} {
		values := given[name]
		if len(values) == 0 {
			continue
		}
		if len(values) > 1 || !shape.MatchString(values[0]) {
			return plugins.Invalid(name, name+" is malformed or given twice")
		}
		page.Set(name, values[0])
	}
	call.RawQuery = page.Encode()
	return nil
}
