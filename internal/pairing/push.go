package pairing

import (
	"context"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// PushedLife is how long a pushed request waits for a browser, and CodeLife
// how long the code is good that answers it.
const (
	PushedLife = time.Minute
	CodeLife   = time.Minute
)

const (
	responseCode  = "code"
	responseQuery = "query"
	challengeS256 = "S256"

	requestURIPrefix = "urn:ietf:params:oauth:request_uri:" // RFC 9126 section 2.2
	maxStateBytes    = 1 << 10
)

// PushRequest is a pushed authorization request (RFC 9126 section 2.1): what a
// browser would otherwise carry in the open.
type PushRequest struct {
	ClientID             string
	ResponseType         string
	ResponseMode         string
	RedirectURI          string
	State                string
	CodeChallenge        string // RFC 7636 section 4.3
	CodeChallengeMethod  string
	AuthorizationDetails string // as in a DeviceRequest
	Scope                string
	DPoPJKT              string // RFC 9449 section 10
	// Request and RequestURI must be empty: request objects (RFC 9101) are not
	// supported.
	Request    string
	RequestURI string
	// Proof carries the DPoP header, if any: Headers and BodySum. The rest is
	// filled in here.
	Proof dpop.Request
	// Address is where the request came from.
	Address string
}

// PushResponse is the answer (RFC 9126 section 2.2).
type PushResponse struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"` // seconds
}

// Push begins a consent request of the code flow. The owner sees it when a
// browser brings its request_uri. Errors: *OAuthError.
func (p *Pairing) Push(_ context.Context, r PushRequest) (PushResponse, error) {
	app, err := p.clientFor(r.ClientID, GrantAuthorizationCode)
	if err != nil {
		return PushResponse{}, err
	}
	if err := r.check(app); err != nil {
		return PushResponse{}, err
	}
	asked, err := p.parseKnown(r.AuthorizationDetails, r.Scope)
	if err != nil {
		return PushResponse{}, err
	}
	thumbprint, err := p.askerKey(app, r.DPoPJKT, r.Proof, pushPath)
	if err != nil {
		return PushResponse{}, err
	}
	secret, err := p.newSecret()
	if err != nil {
		return PushResponse{}, p.oauthError(err)
	}
	_, err = p.ask(requestRecord{
		Thumbprint: thumbprint, Proven: len(r.Proof.Headers) > 0,
		ConsentRequest: ConsentRequest{AppID: app.ID, RedirectURI: r.RedirectURI, Address: r.Address},
		Pushed:         pushedRecord{URIHash: hashOf(secret), Challenge: r.CodeChallenge, State: r.State},
	}, asked)
	if err != nil {
		return PushResponse{}, p.oauthError(err)
	}
	return PushResponse{RequestURI: requestURIPrefix + secret, ExpiresIn: int64(PushedLife / time.Second)}, nil
}

// check holds the request to what the code flow is here.
func (r PushRequest) check(app appRecord) error {
	switch {
	case r.Request != "":
		return refuse(codeNoRequestObject, "request objects are not supported; send the parameters themselves")
	case r.RequestURI != "":
		return refuse(codeInvalidRequest, "request_uri is what this endpoint answers; leave it out")
	case r.ResponseType == "":
		return refuse(codeInvalidRequest, "response_type is required: %s", responseCode)
	case r.ResponseType != responseCode:
		return refuse(codeUnsupportedReply, "response_type must be %s", responseCode)
	case r.ResponseMode != "" && r.ResponseMode != responseQuery:
		return refuse(codeInvalidRequest, "response_mode must be %s", responseQuery)
	case !app.redirectRegistered(r.RedirectURI):
		return refuse(codeInvalidRequest, "redirect_uri must be exactly one that this app has registered")
	case r.CodeChallenge == "" || r.CodeChallengeMethod != challengeS256:
		return refuse(codeInvalidRequest, "code_challenge with code_challenge_method=%s is required (RFC 7636)", challengeS256)
	case !isDigest(r.CodeChallenge):
		return refuse(codeInvalidRequest, "code_challenge must be a SHA-256, base64url without padding")
	case len(r.State) > maxStateBytes || strings.ContainsFunc(r.State, func(c rune) bool { return c < ' ' || c > '~' }):
		return refuse(codeInvalidRequest, "state must have at most %d visible ASCII characters", maxStateBytes)
	}
	return nil
}

// pushed says whether the request belongs to the code flow.
func (r requestRecord) pushed() bool { return r.Pushed.URIHash != "" }

// unopened says whether it waits for a browser to bring it.
func (r requestRecord) unopened() bool { return r.pushed() && r.Pushed.OpenedAt.IsZero() }
