package pairing

// Metadata is the authorization server metadata of RFC 8414.
type Metadata struct {
	Issuer                                 string   `json:"issuer"`
	TokenEndpoint                          string   `json:"token_endpoint"`
	DeviceAuthorizationEndpoint            string   `json:"device_authorization_endpoint"`
	RegistrationEndpoint                   string   `json:"registration_endpoint"`
	RevocationEndpoint                     string   `json:"revocation_endpoint"`
	JWKSURI                                string   `json:"jwks_uri"`
	ScopesSupported                        []string `json:"scopes_supported"`
	ResponseTypesSupported                 []string `json:"response_types_supported"`
	GrantTypesSupported                    []string `json:"grant_types_supported"`
	TokenEndpointAuthMethodsSupported      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpointAuthMethodsSupported []string `json:"revocation_endpoint_auth_methods_supported"`
	DPoPSigningAlgValuesSupported          []string `json:"dpop_signing_alg_values_supported"`
	AuthorizationDetailsTypesSupported     []string `json:"authorization_details_types_supported"`
	ProtectedResources                     []string `json:"protected_resources"`
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
func (p *Pairing) Metadata() Metadata { return Metadata{} }

// ResourceMetadata describes the protected resources (RFC 9728).
func (p *Pairing) ResourceMetadata() ResourceMetadata { return ResourceMetadata{} }

// JWKS is the public key set that verifies access tokens (RFC 7517), as JSON.
func (p *Pairing) JWKS() []byte { return nil }
