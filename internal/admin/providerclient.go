package admin

import (
	"context"
	"net/http"
	"net/url"
)

// Providers lists the services the gateway can reach.
func (c *Client) Providers(ctx context.Context) (out []Provider, err error) {
	return out, c.call(ctx, http.MethodGet, "/providers", nil, &out)
}

// Provider returns one of them, by id.
func (c *Client) Provider(ctx context.Context, id string) (out Provider, err error) {
	return out, c.call(ctx, http.MethodGet, "/providers/"+url.PathEscape(id), nil, &out)
}

// AddProvider adds a provider by its manifest, or says what it would open.
func (c *Client) AddProvider(ctx context.Context, in ProviderInput) (out Provider, err error) {
	return out, c.call(ctx, http.MethodPost, "/providers", in, &out)
}

// Manifest returns a provider's manifest as text that can be added again.
func (c *Client) Manifest(ctx context.Context, id string) (string, error) {
	var out ManifestText
	err := c.call(ctx, http.MethodGet, "/providers/"+url.PathEscape(id)+"/manifest", nil, &out)
	return out.Text, err
}

// RemoveProvider takes one of the owner's providers off the list.
func (c *Client) RemoveProvider(ctx context.Context, id string) (out ProviderGone, err error) {
	return out, c.call(ctx, http.MethodDelete, "/providers/"+url.PathEscape(id), nil, &out)
}

// Aliases lists the owner's names for models.
func (c *Client) Aliases(ctx context.Context) (out []AliasInput, err error) {
	return out, c.call(ctx, http.MethodGet, "/aliases", nil, &out)
}

// SetAlias gives a model a name, or changes what a name stands for.
func (c *Client) SetAlias(ctx context.Context, in AliasInput) (out AliasInput, err error) {
	return out, c.call(ctx, http.MethodPost, "/aliases", in, &out)
}

// RemoveAlias forgets a name.
func (c *Client) RemoveAlias(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "/aliases/"+url.PathEscape(name), nil, nil)
}

// Key returns one stored key, named by id, label or resource.
func (c *Client) Key(ctx context.Context, name string) (out Key, err error) {
	return out, c.call(ctx, http.MethodGet, "/keys/"+url.PathEscape(name), nil, &out)
}

// ArrangeKey says when a stored key is used, named by id, label or resource.
func (c *Client) ArrangeKey(ctx context.Context, name string, in Arrangement) (out Key, err error) {
	return out, c.call(ctx, http.MethodPost, "/keys/"+url.PathEscape(name)+"/arrange", in, &out)
}
