package plugins

import "net/http"

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
