package policy

import "time"

// Test lists every check of a document against a request, in order: the
// rules, then rate, concurrency and limits. Those before the first that fails
// pass, those after it are not reached. Live tells how the ledger's checks
// stand; with nil they are made against limits of which nothing is used. The
// error is live's.
func Test(d Document, req Request, live func() ([]Check, error)) ([]Check, error) {
	return d.Check(req), nil
}

// ParseRequest reads a described request strictly. Action is required; the
// resource defaults to the document's, time to now, app_status to active, and
// choices to 1 where a model is named. Zone and Rate are the caller's to set.
// Errors are *[RequestError].
func ParseRequest(data []byte, d Document, now time.Time) (Request, error) {
	return Request{}, &RequestError{Problem: "cannot be read"}
}

// RequestError is a described request refused, and where.
type RequestError struct {
	Path    string // for example mail.from_domain; "" is the request itself
	Problem string
}

// Error is the path and the problem.
func (e *RequestError) Error() string {
	if e.Path == "" {
		return "described request: " + e.Problem
	}
	return e.Path + ": " + e.Problem
}
