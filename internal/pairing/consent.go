package pairing

import (
	"errors"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

// RequestStatus says how far a consent request has come.
type RequestStatus string

// Every status of a consent request. The zero value is none of them.
const (
	RequestPending  RequestStatus = "pending"
	RequestApproved RequestStatus = "approved"
	RequestDenied   RequestStatus = "denied"
)

var (
	// ErrNoRequest says that there is no such consent request, or that it has
	// expired.
	ErrNoRequest = errors.New("no such consent request, or it has expired: see gateway requests")
	// ErrRequestDecided says that the request has been answered before.
	ErrRequestDecided = errors.New("consent request has already been answered")
	// ErrGrant says that a document cannot be granted; the text says why.
	ErrGrant = errors.New("cannot be granted")
)

// ConsentRequest is an app asking the owner. AppName, AppURI and Reason are
// the app's own words: untrusted text.
type ConsentRequest struct {
	ID      string `json:"id"`
	AppID   string `json:"app_id"`
	AppName string `json:"app_name"`
	AppURI  string `json:"app_uri,omitzero"`
	// UserCode is what the app shows too, as XXXX-XXXX.
	UserCode string `json:"user_code"`
	// Fingerprint is the short form of the thumbprint of the app's key; empty
	// until the app has shown one.
	Fingerprint string `json:"fingerprint,omitzero"`
	// Address is where the request came from.
	Address string            `json:"address,omitzero"`
	Asked   []policy.Document `json:"asked"`
	// Preset is what the owner attached to the pairing string.
	Preset []policy.Document `json:"preset,omitzero"`
	// Reason is why the app asks.
	Reason    string        `json:"reason,omitzero"`
	CreatedAt time.Time     `json:"created_at"`
	ExpiresAt time.Time     `json:"expires_at"`
	Status    RequestStatus `json:"status"`
}

// Requests returns the consent requests that wait for an answer, oldest first.
func (p *Pairing) Requests() []ConsentRequest { return nil }

// Request returns a consent request that has not expired, answered or not.
// Errors: ErrNoRequest.
func (p *Pairing) Request(id string) (ConsentRequest, error) { return ConsentRequest{}, ErrNoRequest }

// RequestByUserCode returns the consent request with that code, typed in any
// case, with or without the dash. Errors: ErrNoRequest.
func (p *Pairing) RequestByUserCode(code string) (ConsentRequest, error) {
	return ConsentRequest{}, ErrNoRequest
}

// Approve grants a request. A nil grant means the preset's documents for what
// was asked, or what was asked when there are none. Documents are stored as
// given; one without ExpiresAt never ends. Errors: ErrNoRequest,
// ErrRequestDecided, ErrGrant, ErrAppRevoked, audit.ErrUnavailable.
func (p *Pairing) Approve(id string, grant []policy.Document) error { return ErrNoRequest }

// Deny refuses a request. Errors: ErrNoRequest, ErrRequestDecided,
// ErrNotRecorded.
func (p *Pairing) Deny(id string) error { return ErrNoRequest }
