package alerts

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	maxURL       = 2048 // bytes
	secretBytes  = 32
	secretPrefix = "whsec_"
)

// Webhook is where alerts are sent, without the secret.
type Webhook struct {
	URL       string    `json:"url"`
	CreatedAt time.Time `json:"created_at"`
	Pending   int       `json:"pending"`            // alerts not delivered yet
	Delivered time.Time `json:"delivered,omitzero"` // the last time that an alert was taken
	Failed    time.Time `json:"failed,omitzero"`    // the last time that one was not
	Failure   string    `json:"failure,omitzero"`   // why, when that was the last attempt
}

// Webhook returns the owner's webhook and whether there is one.
func (b *Board) Webhook() (Webhook, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.state.Hook
	if h == nil {
		return Webhook{}, false
	}
	return Webhook{
		URL: h.URL, CreatedAt: h.CreatedAt, Pending: len(b.state.Queue),
		Delivered: h.Delivered, Failed: h.Failed, Failure: h.Failure,
	}, true
}

// SetWebhook sends alerts to address from now on, in place of any before, and
// returns the secret that messages are signed with: whsec_ and base64, shown
// this once. Errors: ErrURL, those of the store.
func (b *Board) SetWebhook(address string) (secret string, err error) {
	if err := checkURL(address); err != nil {
		return "", err
	}
	key := make([]byte, secretBytes)
	if _, err := io.ReadFull(b.rand, key); err != nil {
		return "", fmt.Errorf("making a signing secret: %w", err)
	}
	err = b.swapHook(&hook{URL: address, Secret: key, CreatedAt: b.clock().UTC().Truncate(time.Second)})
	return secretPrefix + base64.StdEncoding.EncodeToString(key), err
}

// RemoveWebhook sends nothing any more; what was pending is dropped. Errors:
// ErrNoWebhook, those of the store.
func (b *Board) RemoveWebhook() error {
	if _, set := b.Webhook(); !set {
		return ErrNoWebhook
	}
	return b.swapHook(nil)
}

// swapHook puts another hook in place, or the old one back when that cannot be
// written.
func (b *Board) swapHook(next *hook) error {
	b.mu.Lock()
	before, queue := b.state.Hook, b.state.Queue
	b.state.Hook, b.state.Queue, b.dirty = next, nil, true
	b.mu.Unlock()
	err := b.save()
	if err != nil {
		b.mu.Lock()
		b.state.Hook, b.state.Queue = before, queue
		b.mu.Unlock()
	}
	return err
}

// TestWebhook sends a message of the kind Test, once, and says why it was not
// taken. Errors: ErrNoWebhook, ErrNotTaken.
func (b *Board) TestWebhook(ctx context.Context) error {
	b.mu.Lock()
	set := b.state.clone().Hook
	b.mu.Unlock()
	if set == nil {
		return ErrNoWebhook
	}
	id, err := b.newID()
	if err != nil {
		return err
	}
	return b.deliver(ctx, set, Alert{ID: id, Kind: Test, Time: b.clock().UTC().Truncate(time.Second)})
}

// checkURL refuses what would send alerts in clear to another machine, or
// carries a password.
func checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > maxURL || u.Host == "" || u.Opaque != "":
		return fmt.Errorf("%w: give one such as https://example.com/keywicket", ErrURL)
	case u.User != nil:
		return fmt.Errorf("%w: leave out the name and password; messages are signed", ErrURL)
	case u.Fragment != "":
		return fmt.Errorf("%w: leave out what follows #", ErrURL)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%w: it must be https, or http to this machine", ErrURL)
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
