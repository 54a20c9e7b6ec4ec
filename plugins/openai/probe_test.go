package openai

import (
	"strings"
	"testing"
)

func TestProbeSaysWhatCameBack(t *testing.T) {
	t.Parallel()
	explain := provider(t).Probe().Explain
	for _, row := range []struct {
		status int
		body   string
		ok     bool
		words  string
	}{
		{200, `{"object":"list","data":[{"id":"a"},{"id":"b"}]}`, true, "lists 2 models"},
		{200, `{"object":"list","data":[{"id":"a"},{"i`, true, "The key works"}, // a long list, cut by the caller's bound
		{200, `<html>Welcome to our hotel</html>`, false, "base URL"},
		{200, `{"status":"ok"}`, false, "base URL"},
		{0, ``, false, "could not be reached"},
		{302, ``, false, "redirects"},
		{401, `{"error":{"code":"invalid_api_key"}}`, false, "does not accept this key"},
		{403, ``, false, "does not let it list models"},
		{404, ``, false, "base URL"},
		{429, `{"error":{"code":"insufficient_quota"}}`, false, "no credit"},
		{429, `{"error":{"code":"rate_limit_exceeded"}}`, false, "Try again"},
		{500, ``, false, "says nothing about the key"},
		{418, ``, false, "status 418"},
	} {
		verdict := explain(row.status, []byte(row.body))
		if verdict.OK != row.ok || !strings.Contains(verdict.Words, row.words) {
			t.Errorf("%d %s: got %+v, want %v and %q", row.status, row.body, verdict, row.ok, row.words)
		}
	}
}
