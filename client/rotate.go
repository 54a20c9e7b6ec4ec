package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// RotateKey changes the app over to a new key of the same algorithm, while requests go on. The gateway takes both keys
// until the new one is first used, which is at once; the key store holds the new one by then. Whatever happens in
// between, the key in the store is one that the gateway takes.
func (c *Connection) RotateKey(ctx context.Context) error {
	c.rotating.Lock()
	defer c.rotating.Unlock()
	next, err := dpop.GenerateKey(c.key.Load().Algorithm(), nil)
	if err != nil {
		return fmt.Errorf("making a new key: %w", err)
	}
	private, err := next.MarshalJWK()
	if err != nil {
		return fmt.Errorf("making a new key: %w", err)
	}
	if err := c.introduce(ctx, next); err != nil {
		return fmt.Errorf("changing keys: %w", err)
	}
	c.mu.Lock()
	before := c.kept.Key
	c.kept.Key = private
	if err := c.save(); err != nil {
		c.kept.Key = before // and the new one is never used
		c.mu.Unlock()
		return fmt.Errorf("changing keys: %w", err)
	}
	c.key.Store(next)
	stale := c.access.value
	c.mu.Unlock()
	_, _ = c.renew(ctx, stale) // a token for the new key; when that fails, the next request tries again
	return nil
}

// introduce registers a key: the request is signed with the present one, and holds a proof by the new one.
func (c *Connection) introduce(ctx context.Context, next *dpop.Key) error {
	url := c.issuer + "/oauth/keys"
	proof, err := next.Sign(dpop.Claims{Method: http.MethodPost, URL: url}, c.now())
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"proof": proof})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&Transport{Connection: c}).RoundTrip(request)
	if err != nil {
		return err
	}
	defer discard(response)
	if response.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := ResponseError(response); err != nil {
		return err
	}
	return fmt.Errorf("the gateway answered %d", response.StatusCode)
}
