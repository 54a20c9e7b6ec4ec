package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const longAnswer = 32 << 10 // bytes

// Probe implements [plugins.Provider]: the first listed GET without
// placeholders, since a GET changes nothing (RFC 9110 section 9.2.1). Where
// there is none, the API's root tells at least whether anybody answers.
func (p *Provider) Probe() plugins.Probe {
	path, listed := "/", false
	for _, a := range p.manifest.Actions {
		if a.Method == http.MethodGet && !strings.Contains(a.Path, "{") {
			path, listed = a.Path, true
			break
		}
	}
	return plugins.Probe{
		Method: http.MethodGet,
		Path:   path,
		Header: p.manifest.RequestHeader(http.Header{"Accept": {"application/json"}}, "Accept"),
		Explain: func(status int, body []byte) plugins.Verdict {
			return explain(p.manifest.Title, path, listed, status, body)
		},
	}
}

func explain(title, path string, listed bool, status int, body []byte) plugins.Verdict {
	switch {
	case status == http.StatusOK && listed && plain(body):
		return plugins.Verdict{OK: true, Words: fmt.Sprintf("The key works: %s answers GET %s.", title, path)}
	case status == http.StatusOK && listed:
		return plugins.NoVerdict("This address answers GET %s, but not as expected. Check the base URL.", path)
	case status == http.StatusUnauthorized:
		return plugins.NoVerdict("%s does not accept this key. Check that it was copied whole, has not been revoked, and that the manifest puts it into the right header.", title)
	case status == http.StatusForbidden:
		return plugins.NoVerdict("%s does not let this key do GET %s. It may still work for what it is allowed to do.", title, path)
	case status == http.StatusNotFound && listed:
		return plugins.NoVerdict("There is no %s at this address. Check the base URL and the manifest's paths.", path)
	case !listed && (status/100 == 2 || status/100 == 4 && status != http.StatusTooManyRequests):
		return plugins.NoVerdict("%s answers, but its manifest lists no GET by which the key could be checked.", title)
	}
	return plugins.ExplainStatus(title, status)
}

// plain is a JSON object or array that tells of no error: some APIs answer 200
// to anything, and so does the sign-in page of a hotel. A long answer is cut off
// before its end.
func plain(body []byte) bool {
	if len(body) >= longAnswer {
		return bytes.HasPrefix(body, []byte("{")) || bytes.HasPrefix(body, []byte("["))
	}
	value := jsontext.Value(body)
	var object struct {
		Error  jsontext.Value `json:"error"`
		Errors jsontext.Value `json:"errors"`
	}
	switch value.Kind() {
	case '[':
		return value.IsValid()
	case '{':
		return plugins.Lenient(body, &object) && object.Error == nil && object.Errors == nil
	}
	return false
}
