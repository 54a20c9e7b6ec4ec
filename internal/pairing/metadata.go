package pairing

import (
	"strings"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// Where the endpoints are below the issuer.
const (
	registerPath  = "/oauth/register"
	devicePath    = "/oauth/device"
	pushPath      = "/oauth/par"
	authorizePath = "/oauth/authorize"
	tokenPath     = "/oauth/token"
	revokePath    = "/oauth/revoke"
	keysPath      = "/oauth/keys"
	jwksPath      = "/oauth/jwks"
	consentPath   = "/device" // the owner's page for user codes
)

// Metadata is the authorization server metadata of RFC 8414.
type Metadata struct {
	Issuer                                 string   `json:"issuer"`
	AuthorizationEndpoint                  string   `json:"authorization_endpoint"`
	PushedAuthorizationRequestEndpoint     string   `json:"pushed_authorization_request_endpoint"` // RFC 9126 section 5, as the next
	RequirePushedAuthorizationRequests     bool     `json:"require_pushed_authorization_requests"`
	TokenEndpoint                          string   `json:"token_endpoint"`
	DeviceAuthorizationEndpoint            string   `json:"device_authorization_endpoint"` // RFC 8628 section 4
	RegistrationEndpoint                   string   `json:"registration_endpoint"`
	RevocationEndpoint                     string   `json:"revocation_endpoint"`
	JWKSURI                                string   `json:"jwks_uri"`
	ScopesSupported                        []string `json:"scopes_supported"`
	ResponseTypesSupported                 []string `json:"response_types_supported"`
	ResponseModesSupported                 []string `json:"response_modes_supported"`
	GrantTypesSupported                    []string `json:"grant_types_supported"`
	TokenEndpointAuthMethodsSupported      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpointAuthMethodsSupported []string `json:"revocation_endpoint_auth_methods_supported"`
	CodeChallengeMethodsSupported          []string `json:"code_challenge_methods_supported"`               // RFC 8414 section 2
	AuthorizationResponseIssSupported      bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 section 3
	DPoPSigningAlgValuesSupported          []string `json:"dpop_signing_alg_values_supported"`              // RFC 9449 section 5.1
	AuthorizationDetailsTypesSupported     []string `json:"authorization_details_types_supported"`          // RFC 9396 section 10
	ProtectedResources                     []string `json:"protected_resources"`                            // RFC 9728 section 4
}

// ResourceMetadata is the protected resource metadata of RFC 9728.
type ResourceMetadata struct {
	Resource                           string   `json:"resource"`
	ResourceName                       string   `json:"resource_name"`
	AuthorizationServers               []string `json:"authorization_servers"`
	ScopesSupported                    []string `json:"scopes_supported"`
	BearerMethodsSupported             []string `json:"bearer_methods_supported"`
	DPoPSigningAlgValuesSupported      []string `json:"dpop_signing_alg_values_supported"`
	DPoPBoundAccessTokensRequired      bool     `json:"dpop_bound_access_tokens_required"`
	AuthorizationDetailsTypesSupported []string `json:"authorization_details_types_supported"`
}

// Metadata describes the authorization server (RFC 8414).
func (p *Pairing) Metadata() Metadata {
	issuer := p.cfg.Issuer
	return Metadata{
		Issuer:                                 issuer,
		AuthorizationEndpoint:                  issuer + authorizePath,
		PushedAuthorizationRequestEndpoint:     issuer + pushPath,
		RequirePushedAuthorizationRequests:     true,
		TokenEndpoint:                          issuer + tokenPath,
		DeviceAuthorizationEndpoint:            issuer + devicePath,
		RegistrationEndpoint:                   issuer + registerPath,
		RevocationEndpoint:                     issuer + revokePath,
		JWKSURI:                                issuer + jwksPath,
		ScopesSupported:                        p.resourceIDs(),
		ResponseTypesSupported:                 []string{responseCode},
		ResponseModesSupported:                 []string{responseQuery},
		GrantTypesSupported:                    []string{GrantAuthorizationCode, GrantDeviceCode, GrantRefreshToken},
		TokenEndpointAuthMethodsSupported:      []string{"none"},
		RevocationEndpointAuthMethodsSupported: []string{"none"},
		CodeChallengeMethodsSupported:          []string{challengeS256},
		AuthorizationResponseIssSupported:      true,
		DPoPSigningAlgValuesSupported:          strings.Fields(dpop.Algorithms),
		AuthorizationDetailsTypesSupported:     []string{DetailsType},
		ProtectedResources:                     []string{issuer},
	}
}

// ResourceMetadata describes the protected resources (RFC 9728). The token
// goes in a header only.
func (p *Pairing) ResourceMetadata() ResourceMetadata {
	issuer := p.cfg.Issuer
	return ResourceMetadata{
		Resource:                           issuer,
		ResourceName:                       "Keywicket",
		AuthorizationServers:               []string{issuer},
		ScopesSupported:                    p.resourceIDs(),
		BearerMethodsSupported:             []string{"header"},
		DPoPSigningAlgValuesSupported:      strings.Fields(dpop.Algorithms),
		DPoPBoundAccessTokensRequired:      true,
		AuthorizationDetailsTypesSupported: []string{DetailsType},
	}
}

// JWKS is the public key set that verifies access tokens (RFC 7517), as JSON.
func (p *Pairing) JWKS() []byte { return p.signer.jwks }
