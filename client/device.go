package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Pace of polling. The gateway says how fast; these are for when it does not (RFC 8628 sections 3.2 and 3.5).
const (
	defaultInterval = 5 * time.Second
	slowDownBy      = 5 * time.Second
	maxInterval     = time.Minute
	defaultLifetime = 10 * time.Minute
	maxLifetime     = 24 * time.Hour
)

// askAndWait asks the owner for what the app wants and waits for the answer.
func (c *Connection) askAndWait(ctx context.Context) error {
	if err := c.ask(ctx); err != nil {
		return fmt.Errorf("asking for access: %w", err)
	}
	return c.wait(ctx)
}

// ask begins a device authorization (RFC 8628 section 3.1).
func (c *Connection) ask(ctx context.Context) error {
	e, err := c.discover(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	form := url.Values{"client_id": {c.kept.ClientID}, "dpop_jkt": {c.key.Load().Thumbprint()}}
	if len(c.kept.Asked) > 0 {
		details, err := json.Marshal(c.kept.Asked)
		if err != nil {
			c.mu.Unlock()
			return err
		}
		form.Set("authorization_details", string(details))
	}
	c.mu.Unlock()
	var answer struct {
		DeviceCode  string `json:"device_code"`
		UserCode    string `json:"user_code"`
		URI         string `json:"verification_uri"`
		URIComplete string `json:"verification_uri_complete"`
		ExpiresIn   int64  `json:"expires_in"`
		Interval    int64  `json:"interval"`
	}
	if err := c.call(ctx, formCall(e.Device, form), &answer); err != nil {
		return err
	}
	if answer.DeviceCode == "" || answer.UserCode == "" {
		return errors.New("the gateway gave no device code")
	}
	lifetime := seconds(answer.ExpiresIn, defaultLifetime, maxLifetime)
	return c.update(func(kept *record) {
		kept.AskedAt = c.now()
		kept.Pending = &question{
			DeviceCode: answer.DeviceCode, UserCode: plain(answer.UserCode), URI: plain(answer.URI), URIComplete: plain(answer.URIComplete),
			IntervalSeconds: answer.Interval, ExpiresAt: c.now().Add(lifetime),
		}
	})
}

// seconds turns a number from the network into a duration within bounds.
func seconds(n int64, missing, most time.Duration) time.Duration {
	if n <= 0 {
		return missing
	}
	return time.Duration(min(n, int64(most/time.Second))) * time.Second
}

// wait polls until the owner has decided (RFC 8628 section 3.4). The first poll is at once, because a string made with
// approval on redemption needs no waiting; only when there is need to wait is the app told.
func (c *Connection) wait(ctx context.Context) error {
	c.mu.Lock()
	asked := *c.kept.Pending
	c.mu.Unlock()
	interval := seconds(asked.IntervalSeconds, defaultInterval, maxInterval)
	for told := false; ; told = true {
		err := c.exchange(ctx, url.Values{"grant_type": {deviceGrant}, "device_code": {asked.DeviceCode}})
		if err == nil {
			return nil
		}
		pause, final := pace(err, &interval)
		if final {
			return c.settle(err)
		}
		if !told && c.onPending != nil {
			c.onPending(Pending{
				UserCode: asked.UserCode, VerificationURI: asked.URI, VerificationURIComplete: asked.URIComplete,
				Fingerprint: c.Fingerprint(), ExpiresAt: asked.ExpiresAt,
			})
		}
		if err := sleep(ctx, pause); err != nil {
			return fmt.Errorf("waiting for the owner: %w", err)
		}
		if c.now().After(asked.ExpiresAt) {
			return c.settle(ErrExpired)
		}
	}
}

// pace says how long to wait after err, or that there is no more to wait for. What may pass by itself is waited out, ever
// longer: a gateway that is restarting must not lose the pairing.
func pace(err error, interval *time.Duration) (pause time.Duration, final bool) {
	var failure *APIError
	if !errors.As(err, &failure) {
		if errors.Is(err, errUnreachable) {
			*interval = min(*interval*2, maxInterval)
			return *interval, false
		}
		return 0, true
	}
	switch {
	case failure.Code == "authorization_pending":
	case failure.Code == "slow_down":
		*interval = min(*interval+slowDownBy, maxInterval)
	case failure.Status == http.StatusTooManyRequests, failure.Status >= 500:
		*interval = min(*interval*2, maxInterval)
	default:
		return 0, true
	}
	return min(max(*interval, failure.RetryAfter), maxInterval), false
}

// settle keeps the owner's refusal, so that a restart does not ask again, and forgets a question that is over.
func (c *Connection) settle(err error) error {
	denied, expired := errors.Is(err, ErrAccessDenied), errors.Is(err, ErrExpired)
	if !denied && !expired {
		return fmt.Errorf("waiting for the owner: %w", err)
	}
	saved := c.update(func(kept *record) { kept.Pending, kept.Denied = nil, denied })
	return errors.Join(err, saved)
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
