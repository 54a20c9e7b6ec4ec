package pairing

import "time"

// OAuthError is an error answer of an OAuth endpoint (RFC 6749 section 5.2 and
// the RFCs that add codes). Everything in it may be shown to the caller.
type OAuthError struct {
	// Status is the HTTP status.
	Status int
	// Code is the registered error code.
	Code string
	// Description says what to do next.
	Description string
	// RetryAfter is when to try again; zero when that would not help.
	RetryAfter time.Duration
	// Challenge is the WWW-Authenticate value of a 401; else empty.
	Challenge string
}

func (e *OAuthError) Error() string { return e.Code + ": " + e.Description }
