package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
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
	no := func(format string, args ...any) plugins.Verdict {
		return plugins.Verdict{Words: fmt.Sprintf(format, args...)}
	}
	switch {
	case status == 0:
		return no("%s could not be reached. Check the base URL and this machine's network.", title)
	case status == http.StatusOK && listed && plain(body):
		return plugins.Verdict{OK: true, Words: fmt.Sprintf("The key works: %s answers GET %s.", title, path)}
	case status == http.StatusOK && listed:
		return no("This address answers GET %s, but not as expected. Check the base URL.", path)
	case status == http.StatusUnauthorized:
		return no("%s does not accept this key. Check that it was copied whole, has not been revoked, and that the manifest puts it into the right header.", title)
	case status == http.StatusForbidden:
		return no("%s does not let this key do GET %s. It may still work for what it is allowed to do.", title, path)
	case status == http.StatusTooManyRequests:
		return no("%s asks to slow down, so the key could not be checked. Try again in a minute.", title)
	case status >= 300 && status < 400:
		return no("This address redirects elsewhere, and keys are not sent after redirects. Set the base URL to the final address.")
	case status >= 500:
		return no("%s has trouble of its own (status %d), which says nothing about the key. Try again later.", title, status)
	case !listed:
		return no("%s answers, but its manifest lists no GET by which the key could be checked.", title)
	case status == http.StatusNotFound:
		return no("There is no %s at this address. Check the base URL and the manifest's paths.", path)
	}
	return no("%s gave an unexpected answer (status %d). Check the base URL.", title, status)
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
		err := json.Unmarshal(body, &object, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		return err == nil && object.Error == nil && object.Errors == nil
	}
	return false
}
