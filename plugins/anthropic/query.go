package anthropic

import (
	"net/url"
	"regexp"

	"github.com/keywicket/keywicket/plugins"
)

const maxQuery = 4 << 10 // bytes

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
	given, err := url.ParseQuery(req.RawQuery)
	if err != nil || len(req.RawQuery) > maxQuery {
		return plugins.Invalid("", "the query is malformed or too long")
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
