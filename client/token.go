package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// accessToken is the token that requests carry. It is kept in memory only.
type accessToken struct {
	value     string
	expiresAt time.Time // by our own clock
	renewAt   time.Time // from here on a new one is asked for before use
}

// Lifetimes of access tokens. A token is renewed a quarter of its life before its end, at most renewEarly.
const (
	defaultTokenLifetime = 5 * time.Minute
	maxTokenLifetime     = 24 * time.Hour
	renewEarly           = 30 * time.Second
)

// errUnreachable marks errors that say nothing about the session: the gateway could not be asked.
var errUnreachable = errors.New("gateway could not be reached")

// tokenAnswer is a successful answer of the token endpoint (RFC 6749 section 5.1, RFC 9396 section 7).
type tokenAnswer struct {
	AccessToken  string       `json:"access_token"`
	TokenType    string       `json:"token_type"`
	ExpiresIn    int64        `json:"expires_in"`
	RefreshToken string       `json:"refresh_token"`
	Details      []Permission `json:"authorization_details"`
}

// exchange asks the token endpoint and keeps what it gives.
func (c *Connection) exchange(ctx context.Context, form url.Values) error {
	e, err := c.discover(ctx)
	if err != nil {
		return unreachable(ctx, err)
	}
	form.Set("client_id", c.ClientID())
	asked := c.clock()
	var answer tokenAnswer
	if err := c.call(ctx, formCall(e.Token, form), &answer); err != nil {
		return unreachable(ctx, err)
	}
	if answer.AccessToken == "" || !strings.EqualFold(answer.TokenType, "DPoP") {
		// A bearer token would work for whoever steals it; that is not what was agreed on (RFC 9449 section 5).
		return errors.New("the gateway gave no token bound to the app's key")
	}
	return c.keep(answer, asked)
}

// unreachable marks an error that is not the gateway's answer, unless the caller has given up.
func unreachable(ctx context.Context, err error) error {
	var failure *APIError
	var transport *url.Error
	if ctx.Err() == nil && !errors.As(err, &failure) && errors.As(err, &transport) {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return err
}

// keep stores an answer: the access token in memory, the rest in the key store when it differs.
func (c *Connection) keep(answer tokenAnswer, asked time.Time) error {
	lifetime := seconds(answer.ExpiresIn, defaultTokenLifetime, maxTokenLifetime)
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.kept.RefreshToken == ""
	changed := first || c.kept.Pending != nil
	if answer.RefreshToken != "" && answer.RefreshToken != c.kept.RefreshToken {
		c.kept.RefreshToken, changed = answer.RefreshToken, true
	}
	if c.kept.RefreshToken == "" {
		return errors.New("the gateway gave no refresh token")
	}
	if answer.Details != nil {
		changed = changed || !reflect.DeepEqual(c.kept.Granted, answer.Details)
		c.kept.Granted = answer.Details
	}
	c.kept.Pending, c.kept.Denied = nil, false
	c.access = accessToken{
		value: answer.AccessToken, expiresAt: asked.Add(lifetime),
		renewAt: asked.Add(lifetime - min(renewEarly, lifetime/4)),
	}
	if !changed {
		return nil
	}
	return c.save()
}

// token gives a token that is good for a request now, renewing it first when its end is near.
func (c *Connection) token(ctx context.Context) (string, error) {
	c.mu.Lock()
	access, ended := c.access, c.ended
	c.mu.Unlock()
	now := c.clock()
	if ended != nil {
		return "", ended
	}
	if access.value != "" && now.Before(access.renewAt) {
		return access.value, nil
	}
	renewed, err := c.renew(ctx, access.value)
	if err != nil && errors.Is(err, errUnreachable) && now.Before(access.expiresAt) {
		return access.value, nil // it is still good; the next request tries again
	}
	return renewed, err
}

// renew gives a token other than stale. However many requests find the same token stale, one renewal is under way; it
// does not end with the request that began it, because the others wait for it too.
func (c *Connection) renew(ctx context.Context, stale string) (string, error) {
	result := c.renewals.DoChan("token", func() (any, error) {
		c.mu.Lock()
		current, refresh, ended := c.access.value, c.kept.RefreshToken, c.ended
		c.mu.Unlock()
		if ended != nil {
			return "", ended
		}
		if current != stale {
			return current, nil // somebody else has been faster
		}
		return c.refresh(refresh)
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case done := <-result:
		if done.Err != nil {
			return "", fmt.Errorf("renewing the token: %w", done.Err)
		}
		return done.Val.(string), nil
	}
}

// refresh asks for a new access token (RFC 6749 section 6).
func (c *Connection) refresh(token string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if token == "" {
		return "", ErrNotPaired
	}
	err := c.exchange(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, ErrSessionEnded) {
		c.ended, c.access = err, accessToken{} // the gateway has said so; asking again would not change it
	}
	if err != nil && !errors.Is(err, ErrKeyStore) {
		return "", err
	}
	return c.access.value, nil // a key store that cannot be written now does not make the token worse
}
