package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// endpoints is the part of the authorization server metadata that is used (RFC 8414 section 2).
type endpoints struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`                // optional, as the next
	Push          string   `json:"pushed_authorization_request_endpoint"` // RFC 9126 section 5
	Registration  string   `json:"registration_endpoint"`
	Device        string   `json:"device_authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	Algorithms    []string `json:"dpop_signing_alg_values_supported"`
}

// discover gives the gateway's endpoints, asking for them once.
func (c *Connection) discover(ctx context.Context) (*endpoints, error) {
	if known := c.endpoints.Load(); known != nil {
		return known, nil
	}
	found := new(endpoints)
	if err := c.call(ctx, call{method: http.MethodGet, url: c.issuer + "/.well-known/oauth-authorization-server"}, found); err != nil {
		return nil, fmt.Errorf("asking %s for its endpoints: %w", c.issuer, err)
	}
	if err := c.check(found); err != nil {
		return nil, err
	}
	c.endpoints.Store(found)
	return found, nil
}

// check refuses metadata of another issuer, which a mix-up attack would serve (RFC 8414 section 3.3), and endpoints
// elsewhere, which this package would have to give codes and tokens to.
func (c *Connection) check(found *endpoints) error {
	if found.Issuer != c.issuer {
		return fmt.Errorf("%s says that it is %q; use the gateway's public URL", c.issuer, plain(found.Issuer))
	}
	for name, value := range map[string]string{
		"registration": found.Registration, "device authorization": found.Device, "token": found.Token, "revocation": found.Revocation,
		"authorization": found.Authorization, "pushed authorization request": found.Push,
	} {
		if value == "" && slices.Contains([]string{"revocation", "authorization", "pushed authorization request"}, name) {
			continue
		}
		parsed, err := url.Parse(value)
		if err != nil || value == "" {
			return fmt.Errorf("%s has no %s endpoint; is it a Keywicket gateway?", c.issuer, name)
		}
		if err := c.checkOrigin(parsed); err != nil {
			return fmt.Errorf("%s endpoint: %w", name, err)
		}
	}
	if found.Algorithms != nil && !slices.Contains(found.Algorithms, c.key.Load().Algorithm()) {
		return fmt.Errorf("%s does not accept %s keys; choose another App.Alg", c.issuer, c.key.Load().Algorithm())
	}
	return nil
}
