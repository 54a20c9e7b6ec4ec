package plugins

import (
	"strings"
	"testing"
)

func TestModelList(t *testing.T) {
	t.Parallel()
	counted := ModelList{Title: "Mill", Member: "models", Counted: true, Address: "Mill's ends in /v9", Restricted: "it is on holiday"}
	paged := counted
	paged.Counted = false
	for _, row := range []struct {
		list   ModelList
		status int
		body   string
		ok     bool
		words  string
	}{
		{counted, 200, `{"models":[{"id":"a"},{"id":"b"}]}`, true, "Mill lists 2 models"},
		{paged, 200, `{"models":[{"id":"a"},{"id":"b"}]}`, true, "Mill lists models"},
		{counted, 200, ` {"models":[{"id":"a"},{"i`, true, "Mill lists its models"}, // cut by the caller's bound
		{counted, 200, `{"models":null}`, false, "Mill's ends in /v9"},
		{counted, 200, `{"models":{}}`, false, "Mill's ends in /v9"},
		{counted, 200, `{"data":[]}`, false, "Mill's ends in /v9"},
		{counted, 200, `["models"`, false, "Mill's ends in /v9"},
		{counted, 200, ``, false, "Mill's ends in /v9"},
		{counted, 401, ``, false, "Mill does not accept this key"},
		{counted, 402, ``, false, "no credit left"},
		{counted, 403, ``, false, "it is on holiday"},
		{counted, 404, ``, false, "Mill's ends in /v9"},
		{counted, 429, ``, false, "Try again in a minute"},
		{counted, 0, ``, false, "could not be reached"},
		{counted, 307, ``, false, "redirects"},
		{counted, 529, ``, false, "says nothing about the key"},
		{counted, 418, ``, false, "status 418"},
	} {
		verdict := row.list.Explain(row.status, []byte(row.body))
		if verdict.OK != row.ok || !strings.Contains(verdict.Words, row.words) {
			t.Errorf("%d %s: got %+v, want %v and %q", row.status, row.body, verdict, row.ok, row.words)
		}
	}
}
