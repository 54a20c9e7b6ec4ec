package gemini

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// Probe implements [plugins.Provider]: listing models costs nothing and needs a
// valid key.
func (p *Provider) Probe() plugins.Probe {
	return plugins.Probe{
		Method:  http.MethodGet,
		Path:    "/models",
		Header:  p.manifest.RequestHeader(http.Header{}),
		Explain: func(status int, body []byte) plugins.Verdict { return explain(p.manifest.Title, status, body) },
	}
}

func explain(title string, status int, body []byte) plugins.Verdict {
	no := func(format string, args ...any) plugins.Verdict {
		return plugins.Verdict{Words: fmt.Sprintf(format, args...)}
	}
	switch {
	case status == http.StatusOK:
		return explainModels(title, body)
	case status == 0:
		return no("%s could not be reached. Check the base URL and this machine's network.", title)
	case status == http.StatusUnauthorized, status == http.StatusBadRequest: // 400 is Google's answer to a wrong key
		return no("%s does not accept this key. Check that it was copied whole and has not been revoked, then add it again.", title)
	case status == http.StatusPaymentRequired:
		return no("The account behind this key has no credit left. Add credit at %s.", title)
	case status == http.StatusForbidden:
		return no("%s knows this key but does not let it list models: it is restricted, or the API is not enabled in its project. It may still work for what it is allowed to do.", title)
	case status == http.StatusNotFound:
		return no("There is no list of models at this address. Check the base URL; Google's ends in /v1beta.")
	case status == http.StatusTooManyRequests:
		return no("%s asks to slow down, so the key could not be checked. Try again in a minute.", title)
	case status >= 300 && status < 400:
		return no("This address redirects elsewhere, and keys are not sent after redirects. Set the base URL to the final address.")
	case status >= 500:
		return no("%s has trouble of its own (status %d), which says nothing about the key. Try again later.", title, status)
	}
	return no("%s gave an unexpected answer (status %d). Check the base URL.", title, status)
}

// explainModels trusts a 200 only when it is a list of models: a captive portal
// or a wrong host answers 200 to anything.
func explainModels(title string, body []byte) plugins.Verdict {
	var list struct {
		Models *[]jsontext.Value `json:"models"`
	}
	whole := lenient(body, &list)
	if whole && list.Models != nil {
		return plugins.Verdict{OK: true, Words: fmt.Sprintf("The key works: %s lists models.", title)}
	}
	start := bytes.TrimSpace(body)
	if !whole && bytes.HasPrefix(start, []byte("{")) && bytes.Contains(start, []byte(`"models"`)) {
		return plugins.Verdict{OK: true, Words: fmt.Sprintf("The key works: %s lists its models.", title)}
	}
	return plugins.Verdict{Words: "This address answers, but not with a list of models. Check the base URL; Google's ends in /v1beta."}
}

// lenient decodes what a provider sent. Being strict here would only lose usage.
func lenient(data []byte, into any) bool {
	err := json.Unmarshal(data, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return err == nil
}
