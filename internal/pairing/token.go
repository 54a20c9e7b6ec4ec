package pairing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// TokenRequest is a request at the token endpoint.
type TokenRequest struct {
	GrantType    string
	ClientID     string
	DeviceCode   string
	Code         string // as the next two: the code flow
	RedirectURI  string
	CodeVerifier string
	RefreshToken string
	Scope        string
	// Proof carries the DPoP header: Headers and BodySum. The rest is filled
	// in here.
	Proof dpop.Request
	// Address is where the request came from.
	Address string
}

// TokenResponse is a successful answer (RFC 6749 section 5.1, RFC 9396
// section 7).
type TokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
	// Scope and AuthorizationDetails say what is granted, which may be less
	// than was asked.
	Scope                string           `json:"scope"`
	AuthorizationDetails []jsontext.Value `json:"authorization_details"`
}

// Token exchanges a device code, an authorization code or a refresh token. Errors: *OAuthError.
func (p *Pairing) Token(_ context.Context, r TokenRequest) (TokenResponse, error) {
	var exchange func(TokenRequest, string) (TokenResponse, error)
	switch r.GrantType {
	case GrantDeviceCode:
		exchange = p.collect
	case GrantAuthorizationCode:
		exchange = p.exchangeCode
	case GrantRefreshToken:
		exchange = p.renew
	case "":
		return TokenResponse{}, refuse(codeInvalidRequest, "grant_type is required")
	default:
		return TokenResponse{}, refuse(codeUnsupportedGrant, "grant_type must be %s, %s or %s", GrantAuthorizationCode, GrantDeviceCode, GrantRefreshToken)
	}
	if _, err := p.client(r.ClientID); err != nil {
		return TokenResponse{}, err
	}
	if len(r.Proof.Headers) == 0 {
		return TokenResponse{}, refuse(codeInvalidRequest, "a DPoP header with a proof is required: tokens here are bound to the app's key (RFC 9449)")
	}
	thumbprint, err := p.verifyProof(r.Proof, tokenPath)
	if err != nil {
		return TokenResponse{}, err
	}
	response, err := exchange(r, thumbprint)
	return response, p.oauthError(err)
}

// renew answers a refresh token with a new access token. The refresh token
// stays: one that rotates would lock the app out when an answer is lost, and
// the key it is bound to protects it already (RFC 9700 section 4.14.2).
func (p *Pairing) renew(r TokenRequest, thumbprint string) (TokenResponse, error) {
	if r.RefreshToken == "" {
		return TokenResponse{}, refuse(codeInvalidRequest, "refresh_token is required")
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	s := p.live.refresh[hashOf(r.RefreshToken)]
	now := p.now()
	if s == nil || s.record.AppID != r.ClientID || !s.boundTo(thumbprint) || s.idle(now) {
		return TokenResponse{}, refuse(codeInvalidGrant, "this refresh token is unknown, expired, ended by the owner or bound to another key; pair again with a new pairing string")
	}
	if err := p.scopeGranted(r); err != nil {
		return TokenResponse{}, err
	}
	if err := p.keepUsed(s, now); err != nil {
		return TokenResponse{}, err
	}
	if s.record.Thumbprint != thumbprint {
		if err := p.changeOver(s, r.Address); err != nil {
			return TokenResponse{}, err
		}
	}
	return p.tokenResponse(s.record, r.RefreshToken, now)
}

// scopeGranted refuses a renewal that asks for more than there is (RFC 6749
// section 6). Less is not a narrower token here: tokens name a session, and
// what it may do is looked up at each request.
func (p *Pairing) scopeGranted(r TokenRequest) error {
	for _, resource := range strings.Fields(r.Scope) {
		if _, has := p.live.permissions[r.ClientID][resource]; !has {
			return refuse(codeInvalidScope, "scope names a resource that is not granted; ask for it at the device authorization endpoint")
		}
	}
	return nil
}

// tokenResponse signs an access token. The caller holds changing.
func (p *Pairing) tokenResponse(s sessionRecord, refreshToken string, now time.Time) (TokenResponse, error) {
	id, err := p.newID("tok")
	if err != nil {
		return TokenResponse{}, err
	}
	token, err := p.signer.sign(id, s.Session, now)
	if err != nil {
		return TokenResponse{}, err
	}
	response := TokenResponse{
		AccessToken: token, TokenType: "DPoP", ExpiresIn: int64(AccessTokenLife / time.Second),
		RefreshToken: refreshToken, AuthorizationDetails: []jsontext.Value{},
	}
	var scope []string
	for _, perm := range p.live.appPermissions(s.AppID) {
		detail, err := detailOf(perm.Document)
		if err != nil {
			return TokenResponse{}, err
		}
		response.AuthorizationDetails = append(response.AuthorizationDetails, detail)
		scope = append(scope, perm.Document.Resource)
	}
	response.Scope = strings.Join(scope, " ")
	return response, nil
}

// appPermissions are an app's permissions ordered by resource.
func (l *live) appPermissions(appID string) []Permission {
	permissions := make([]Permission, 0, len(l.permissions[appID]))
	for _, perm := range l.permissions[appID] {
		permissions = append(permissions, perm)
	}
	slices.SortFunc(permissions, func(a, b Permission) int {
		return strings.Compare(a.Document.Resource, b.Document.Resource)
	})
	return permissions
}

// RevokeRequest is a token revocation request (RFC 7009).
type RevokeRequest struct {
	ClientID string
	// Token is a refresh or an access token.
	Token string
}

// RevokeToken ends the session the token belongs to. A token that is unknown
// or over is no error (RFC 7009 section 2.2), and neither is one whose end
// the audit log could not record. Errors: *OAuthError.
func (p *Pairing) RevokeToken(_ context.Context, r RevokeRequest) error {
	if _, err := p.client(r.ClientID); err != nil {
		return err
	}
	if r.Token == "" {
		return refuse(codeInvalidRequest, "token is required")
	}
	session, ok := p.sessionOf(r.Token)
	if !ok {
		return nil
	}
	if session.AppID != r.ClientID {
		return refuse(codeInvalidRequest, "this token was issued to another client")
	}
	err := p.endSession(session.ID, audit.App, "ended by the app")
	if !errors.Is(err, errNotStored) {
		return nil
	}
	return unavailable(10*time.Second, "the session has ended for now, but the gateway could not store that; try again")
}

// sessionOf finds the session of a refresh or access token: a live one, or one
// whose end has not been stored, so that the app's second try is no success
// either before it has.
func (p *Pairing) sessionOf(token string) (Session, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	hash := hashOf(token)
	s := p.live.refresh[hash]
	for _, ended := range p.live.owed.sessions {
		if ended.record.RefreshHash == hash {
			s = ended
		}
	}
	if s == nil {
		claims, err := p.signer.verify(token, p.now())
		if err != nil {
			return Session{}, false
		}
		s = p.live.sessions[claims.SessionID]
		if s == nil {
			s = p.live.owed.sessions[claims.SessionID]
		}
	}
	if s == nil {
		return Session{}, false
	}
	return s.record.Session, true
}
