package pairing

import (
	"slices"

	"github.com/go-json-experiment/json"
)

// Grant types that apps may use.
const (
	GrantDeviceCode   = "urn:ietf:params:oauth:grant-type:device_code"
	GrantRefreshToken = "refresh_token"
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
	GrantTypes              []string `json:"grant_types"`
	ResponseTypes           []string `json:"response_types"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method"`
	DPoPBoundAccessTokens   bool     `json:"dpop_bound_access_tokens"`
}

// clientMetadata are the members that are looked at; others are ignored, as
// RFC 7591 section 2 wants, and not registered.
type clientMetadata struct {
	Name       *string   `json:"client_name"`
	URI        *string   `json:"client_uri"`
	GrantTypes *[]string `json:"grant_types"`
	AuthMethod *string   `json:"token_endpoint_auth_method"`
}

// parseClientMetadata returns what will be registered, without an id. Values
// that were left out are set to the ones all apps have here (RFC 7591 section
// 3.2.1 lets the server choose); values that ask for something else are
// refused, so that no app waits for a flow or a secret that will not come.
func parseClientMetadata(data []byte) (Registration, error) {
	var m clientMetadata
	if err := json.Unmarshal(data, &m); err != nil {
		return Registration{}, refuse(codeInvalidMetadata, "client metadata must be one JSON object without duplicate members, in which client_name and client_uri are strings and grant_types is a list of strings")
	}
	r := Registration{
		ClientName:              unnamed,
		GrantTypes:              []string{GrantDeviceCode, GrantRefreshToken},
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
	if m.GrantTypes != nil && !slices.Contains(*m.GrantTypes, GrantDeviceCode) {
		return Registration{}, refuse(codeInvalidMetadata, "grant_types must contain %s", GrantDeviceCode)
	}
	if m.AuthMethod != nil && *m.AuthMethod != "none" {
		return Registration{}, refuse(codeInvalidMetadata, "token_endpoint_auth_method must be none: the DPoP key takes the place of a client secret")
	}
	return r, nil
}
