package pairing

import (
	"slices"

	"github.com/go-json-experiment/json"
)

// Grant types that apps may use.
const (
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
)

// unnamed stands for an app that gave no name (RFC 7591 section 2 makes it
// optional).
const unnamed = "Unnamed app"

// Registration is what has been registered (RFC 7591 section 3.2.1).
type Registration struct {
	ClientID                string   `json:"client_id"`
	ClientIDIssuedAt        int64    `json:"client_id_issued_at"` // seconds since the epoch
	ClientName              string   `json:"client_name"`
	ClientURI               string   `json:"client_uri,omitzero"`
	RedirectURIs            []string `json:"redirect_uris,omitzero"`
	GrantTypes              []string `json:"grant_types"`
	ResponseTypes           []string `json:"response_types"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method"`
	DPoPBoundAccessTokens   bool     `json:"dpop_bound_access_tokens"`
}

// clientMetadata are the members that are looked at; others are ignored, as
// RFC 7591 section 2 wants, and not registered.
type clientMetadata struct {
	Name          *string   `json:"client_name"`
	URI           *string   `json:"client_uri"`
	RedirectURIs  []string  `json:"redirect_uris"`
	GrantTypes    *[]string `json:"grant_types"`
	ResponseTypes *[]string `json:"response_types"`
	AuthMethod    *string   `json:"token_endpoint_auth_method"`
}

// parseClientMetadata returns what will be registered, without an id. Values
// that were left out are set to the ones all apps have here (RFC 7591 section
// 3.2.1 lets the server choose); values that ask for something else are
// refused, so that no app waits for a flow or a secret that will not come.
func parseClientMetadata(data []byte) (Registration, error) {
	var m clientMetadata
	if err := json.Unmarshal(data, &m); err != nil {
		return Registration{}, refuse(codeInvalidMetadata, "client metadata must be one JSON object without duplicate members, in which client_name and client_uri are strings and redirect_uris and grant_types are lists of strings")
	}
	r := Registration{
		ClientName:              unnamed,
		ResponseTypes:           []string{},
		TokenEndpointAuthMethod: "none",
		DPoPBoundAccessTokens:   true,
	}
	var err error
	if m.Name != nil {
		if r.ClientName, err = cleanText(*m.Name, maxNameRunes); err != nil {
			return Registration{}, refuse(codeInvalidMetadata, "client_name %v", err)
		}
	}
	if m.URI != nil {
		if r.ClientURI, err = cleanURI(*m.URI); err != nil {
			return Registration{}, refuse(codeInvalidMetadata, "client_uri %v", err)
		}
	}
	if r.RedirectURIs, err = checkRedirectURIs(m.RedirectURIs); err != nil {
		return Registration{}, refuse(codeInvalidRedirect, "redirect_uris %v", err)
	}
	if m.AuthMethod != nil && *m.AuthMethod != "none" {
		return Registration{}, refuse(codeInvalidMetadata, "token_endpoint_auth_method must be none: the DPoP key takes the place of a client secret")
	}
	return r, r.setGrants(m)
}

// setGrants registers the grants that the app may use: those it names, else
// the device grant, and the code flow when it can be sent back to somewhere.
func (r *Registration) setGrants(m clientMetadata) error {
	device, code := m.GrantTypes == nil, m.GrantTypes == nil && len(r.RedirectURIs) > 0
	if m.GrantTypes != nil {
		device, code = slices.Contains(*m.GrantTypes, GrantDeviceCode), slices.Contains(*m.GrantTypes, GrantAuthorizationCode)
	}
	switch {
	case !device && !code:
		return refuse(codeInvalidMetadata, "grant_types must contain %s or %s", GrantDeviceCode, GrantAuthorizationCode)
	case code && len(r.RedirectURIs) == 0:
		return refuse(codeInvalidMetadata, "%s needs redirect_uris", GrantAuthorizationCode)
	case m.ResponseTypes != nil && slices.ContainsFunc(*m.ResponseTypes, func(kind string) bool { return kind != responseCode }):
		return refuse(codeInvalidMetadata, "response_types can only be %s", responseCode)
	}
	if code {
		r.GrantTypes, r.ResponseTypes = append(r.GrantTypes, GrantAuthorizationCode), []string{responseCode}
	}
	if device {
		r.GrantTypes = append(r.GrantTypes, GrantDeviceCode)
	}
	r.GrantTypes = append(r.GrantTypes, GrantRefreshToken)
	return nil
}
