package resend

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// Probe implements [plugins.Provider]: listing the domains sends nothing. A key
// that may only send is refused, by a name that no other key gets.
func (p *Provider) Probe() plugins.Probe {
	return plugins.Probe{
		Method:  http.MethodGet,
		Path:    "/domains",
		Header:  p.manifest.RequestHeader(http.Header{"Accept": {"application/json"}}, "Accept"),
		Explain: func(status int, body []byte) plugins.Verdict { return explain(p.manifest.Title, status, body) },
	}
}

func explain(title string, status int, body []byte) plugins.Verdict {
	var answer struct {
		Name string            `json:"name"`
		Data *[]jsontext.Value `json:"data"`
	}
	read := plugins.Lenient(body, &answer)
	switch {
	case status == http.StatusUnauthorized && answer.Name == "restricted_api_key":
		return plugins.Verdict{OK: true, Words: fmt.Sprintf("The key works: %s lets it send mail and nothing else, so apps cannot look at a message with it.", title)}
	case status == http.StatusOK && read && answer.Data != nil:
		return plugins.Verdict{OK: true, Words: fmt.Sprintf("The key works: %s lists %d sending domains. It has full access; one that may only send is enough for most apps.", title, len(*answer.Data))}
	case status == http.StatusOK:
		return plugins.NoVerdict("This address answers, but not with a list of domains. Check the base URL; Resend's is https://api.resend.com.")
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusBadRequest:
		return plugins.NoVerdict("%s does not accept this key. Check that it was copied whole and has not been deleted, then add it again.", title)
	case status == http.StatusNotFound:
		return plugins.NoVerdict("There is no mail API at this address. Check the base URL; Resend's is https://api.resend.com.")
	}
	return plugins.ExplainStatus(title, status)
}
