package plugins

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// ModelList is the probe of a provider that lists its models: doing so costs
// nothing and needs a valid key.
type ModelList struct {
	Title   string // of the provider
	Member  string // of the answer: the models
	Counted bool   // all models come in one answer

	Address    string // where the base URL ends, such as "OpenAI's ends in /v1"
	Restricted string // why a key that is known may not list models, such as "its workspace is restricted"
}

// Explain implements that of [Probe].
func (l ModelList) Explain(status int, body []byte) Verdict {
	switch status {
	case http.StatusOK:
		return l.listed(body)
	case http.StatusUnauthorized:
		return NoVerdict("%s does not accept this key. Check that it was copied whole and has not been revoked, then add it again.", l.Title)
	case http.StatusForbidden:
		return NoVerdict("%s knows this key but does not let it list models: %s. It may still work for what it is allowed to do.", l.Title, l.Restricted)
	case http.StatusNotFound:
		return NoVerdict("There is no list of models at this address. Check the base URL; %s.", l.Address)
	}
	return ExplainStatus(l.Title, status)
}

// listed trusts a 200 only when it is a list of models: a captive portal or a
// wrong host answers 200 to anything. A long list is cut off before its end.
func (l ModelList) listed(body []byte) Verdict {
	var answer map[string]jsontext.Value
	var models []jsontext.Value
	whole := Lenient(body, &answer)
	start := bytes.TrimSpace(body)
	switch {
	case whole && answer[l.Member].Kind() == '[' && Lenient(answer[l.Member], &models):
		how := "lists models"
		if l.Counted {
			how = "lists " + strconv.Itoa(len(models)) + " models"
		}
		return Verdict{OK: true, Words: "The key works: " + l.Title + " " + how + "."}
	case !whole && bytes.HasPrefix(start, []byte("{")) && bytes.Contains(start, []byte(strconv.Quote(l.Member))):
		return Verdict{OK: true, Words: "The key works: " + l.Title + " lists its models."}
	}
	return NoVerdict("This address answers, but not with a list of models. Check the base URL; %s.", l.Address)
}
