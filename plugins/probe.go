package plugins

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Probe is a call without side effects or cost that shows whether a
// credential works.
type Probe struct {
	Method string
	Path   string      // begins with a slash; appended to the path of the base URL
	Header http.Header // without credential; owned by the caller

	// Explain turns the answer into words. Status 0 means that no answer came.
	// It quotes nothing from body, which may echo parts of a key.
	Explain func(status int, body []byte) Verdict
}

// Verdict is what a probe's answer means.
type Verdict struct {
	OK    bool   // the credential works
	Words string // one or two sentences that say what to do when it does not
}

// NoVerdict says what to do where an answer told nothing good about a credential.
func NoVerdict(format string, args ...any) Verdict {
	return Verdict{Words: fmt.Sprintf(format, args...)}
}

// ExplainStatus explains the statuses that mean the same at every provider, and
// any that its probe does not know. title is the provider's.
func ExplainStatus(title string, status int) Verdict {
	switch {
	case status == 0:
		return NoVerdict("%s could not be reached. Check the base URL and this machine's network.", title)
	case status == http.StatusPaymentRequired:
		return NoVerdict("The account behind this key has no credit left. Add credit at %s.", title)
	case status == http.StatusTooManyRequests:
		return NoVerdict("%s asks to slow down, so the key could not be checked. Try again in a minute.", title)
	case status >= 300 && status < 400:
		return NoVerdict("This address redirects elsewhere, and keys are not sent after redirects. Set the base URL to the final address.")
	case status >= 500:
		return NoVerdict("%s has trouble of its own (status %d), which says nothing about the key. Try again later.", title, status)
	}
	return NoVerdict("%s gave an unexpected answer (status %d). Check the base URL.", title, status)
}

// Lenient decodes the JSON that a provider sent, repeated names and bad UTF-8
// included: being strict would only lose what it says. For an app's request,
// see [ParseObject].
func Lenient(data []byte, into any) bool {
	err := json.Unmarshal(data, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return err == nil
}
