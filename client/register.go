package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// registration is the client metadata that a pairing code is redeemed with (RFC 7591 section 2).
type registration struct {
	Name          string   `json:"client_name"`
	URI           string   `json:"client_uri,omitempty"`
	RedirectURIs  []string `json:"redirect_uris,omitempty"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
	Bound         bool     `json:"dpop_bound_access_tokens"`
}

// register redeems the code and keeps what came of it. With redirect URIs the app may use the code flow as well. Only then is an earlier connection in the same key store
// replaced, so that a bad string costs nothing.
func (c *Connection) register(ctx context.Context, code string, app App, redirectURIs ...string) error {
	if store, ok := c.keys.(interface{ writable() error }); ok {
		if err := store.writable(); err != nil {
			return err
		}
	}
	e, err := c.discover(ctx)
	if err != nil {
		return err
	}
	metadata := registration{
		Name: app.Name, URI: app.URI, GrantTypes: []string{deviceGrant, "refresh_token"}, ResponseTypes: []string{},
		AuthMethod: "none", Bound: true,
	}
	if len(redirectURIs) > 0 {
		metadata.RedirectURIs, metadata.ResponseTypes = redirectURIs, []string{"code"}
		metadata.GrantTypes = append(metadata.GrantTypes, "authorization_code")
	}
	body, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	var answer struct {
		ClientID string `json:"client_id"`
	}
	err = c.call(ctx, call{
		method: http.MethodPost, url: e.Registration, contentType: "application/json", body: body, code: code, prove: true,
	}, &answer)
	if errors.Is(err, ErrInvalidToken) {
		return fmt.Errorf("%w: %w", ErrStringSpent, err)
	}
	if err != nil {
		return err
	}
	if answer.ClientID == "" {
		return errors.New("the gateway gave no client_id")
	}
	return c.update(func(kept *record) { kept.ClientID = answer.ClientID })
}
