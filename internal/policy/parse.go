package policy

import "time"

// Parse reads one document. A relative expires_in is counted from now.
// Errors are *[DocumentError].
func Parse(data []byte, now time.Time) (Document, error) { return Document{}, nil }

// ParseAll reads one document or an array of 1 to 32 of them, each for
// another resource. Errors are *[DocumentError].
func ParseAll(data []byte, now time.Time) ([]Document, error) { return nil, nil }

// Validate checks a document made in code as [Parse] checks one that was
// given. The error is a *[DocumentError].
func (d Document) Validate() error { return nil }

// DocumentError is a document refused, and where.
type DocumentError struct {
	Path    string // for example limits[1].requests; "" is the document itself
	Problem string // for example "must be at least 1"
}

func (e *DocumentError) Error() string {
	if e.Path == "" {
		return "policy document: " + e.Problem
	}
	return e.Path + ": " + e.Problem
}
