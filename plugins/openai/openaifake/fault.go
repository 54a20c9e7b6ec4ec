package openaifake

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// Fault is how a fake misbehaves.
type Fault = fakeupstream.Fault

// fail answers with a status as OpenAI words it.
func fail(w http.ResponseWriter, fault Fault) {
	fault.Header(w.Header())
	e := apiError{Message: serverTrouble, Type: "server_error"}
	switch fault.Status {
	case http.StatusUnauthorized:
		e = apiError{Message: "Incorrect API key provided.", Type: "invalid_request_error", Code: "invalid_api_key"}
	case http.StatusForbidden:
		e = apiError{Message: "You have insufficient permissions for this operation.", Type: "invalid_request_error", Code: "insufficient_permissions"}
	case http.StatusTooManyRequests:
		e = apiError{Message: "Rate limit reached for requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms.", Type: "requests", Code: "rate_limit_exceeded"}
	case http.StatusServiceUnavailable:
		e = apiError{Message: "The engine is currently overloaded, please try again later", Type: "server_error"}
	}
	writeError(w, fault.Status, e)
}

const serverTrouble = "The server had an error while processing your request. Sorry about that!"
