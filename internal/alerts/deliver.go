package alerts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// The bounds of a delivery. With eight attempts the last is about eight hours
// after the first.
const (
	maxAttempts    = 8
	maxAge         = 24 * time.Hour
	firstWait      = 5 * time.Second
	waitFactor     = 4
	attemptTime    = 10 * time.Second
	maxReply       = 4 << 10 // bytes read of an answer, so that its connection can be used again
	maxReplyHeader = 16 << 10
)

// ErrNotTaken says that the webhook did not take a message.
var ErrNotTaken = errors.New("the webhook did not take the message")

// message is the body of a delivery, as Standard Webhooks lays it out.
type message struct {
	Type      Kind        `json:"type"`
	Timestamp time.Time   `json:"timestamp"` // of the alert
	Data      messageData `json:"data"`
}

type messageData struct {
	Alert
	Words string `json:"words"` // "has used 80 % of its 1,000 requests a day"
}

// work writes what is new and delivers what is due, until ctx is done.
func (b *Board) work(ctx context.Context) {
	defer close(b.ended)
	for {
		if err := b.save(); err != nil {
			b.log.Error("writing alerts failed; it is tried again with the next one", "error", err)
		}
		next, some := b.nextDue()
		if some && !next.After(b.clock()) {
			b.deliverDue(ctx)
			if ctx.Err() == nil {
				continue
			}
		}
		if !b.rest(ctx, next, some) {
			return
		}
	}
}

// rest waits until there is something to do, and returns false at the end.
func (b *Board) rest(ctx context.Context, next time.Time, some bool) bool {
	var due <-chan time.Time
	if some {
		timer := time.NewTimer(next.Sub(b.clock()))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-b.wake:
	case <-due:
	}
	return true
}

func (b *Board) nextDue() (next time.Time, some bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.state.Queue {
		if !some || d.Due.Before(next) {
			next, some = d.Due, true
		}
	}
	return next, some
}

// deliverDue makes one attempt at one delivery.
func (b *Board) deliverDue(ctx context.Context) {
	b.mu.Lock()
	now := b.clock()
	i := slices.IndexFunc(b.state.Queue, func(d delivery) bool { return !d.Due.After(now) })
	if i < 0 || b.state.Hook == nil {
		b.state.Queue = nil
		b.mu.Unlock()
		return
	}
	d := b.state.Queue[i]
	alert, found := b.state.alert(d.Alert)
	set := b.state.clone().Hook
	b.mu.Unlock()
	var err error
	if found {
		err = b.deliver(ctx, set, alert)
	}
	if ctx.Err() == nil {
		b.attempted(d, err)
	}
}

// attempted notes how an attempt went.
func (b *Board) attempted(d delivery, failure error) {
	jitter := b.jitter()
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.state.Queue, func(q delivery) bool { return q.Alert == d.Alert })
	if i < 0 || b.state.Hook == nil {
		return // removed meanwhile
	}
	now := b.clock().UTC()
	b.dirty = true
	if failure == nil {
		b.state.Queue = slices.Delete(b.state.Queue, i, i+1)
		b.state.Hook.Delivered, b.state.Hook.Failure = now.Truncate(time.Second), ""
		return
	}
	b.state.Hook.Failed, b.state.Hook.Failure = now.Truncate(time.Second), failure.Error()
	q := &b.state.Queue[i]
	q.Attempts++
	wait := firstWait
	for range q.Attempts - 1 {
		wait *= waitFactor
	}
	q.Due = now.Add(wait/2 + time.Duration(jitter*float64(wait/2)))
	if q.Attempts >= maxAttempts || q.Due.Sub(q.Since) > maxAge {
		b.log.Warn("an alert could not be delivered and is given up", "alert", d.Alert, "attempts", q.Attempts, "error", failure)
		b.state.Queue = slices.Delete(b.state.Queue, i, i+1)
	}
}

// jitter is a random number from 0 to 1.
func (b *Board) jitter() float64 {
	var random [2]byte
	if _, err := io.ReadFull(b.rand, random[:]); err != nil {
		return 1
	}
	return float64(binary.BigEndian.Uint16(random[:])) / (1<<16 - 1)
}

// deliver sends one message. Its error is for the owner: it names neither the
// URL, whose path may be a secret, nor what was answered.
func (b *Board) deliver(ctx context.Context, to *hook, a Alert) error {
	body, err := json.Marshal(message{Type: a.Kind, Timestamp: a.Time, Data: messageData{a, a.Words()}})
	if err != nil {
		return fmt.Errorf("encoding alert: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: its URL cannot be used; set it again", ErrNotTaken)
	}
	now := b.clock()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Keywicket")
	req.Header.Set("webhook-id", a.ID)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", sign(to.Secret, a.ID, now, body))
	res, err := b.http.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return fmt.Errorf("%w: %w", ErrNotTaken, err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxReply) // what it says is of no use
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%w: it answered %d", ErrNotTaken, res.StatusCode)
	}
	return nil
}

// sign makes the signature of Standard Webhooks, version 1: HMAC-SHA256 over
// id, time in seconds and body.
func sign(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: attemptTime}).DialContext,
		TLSHandshakeTimeout:    attemptTime,
		ResponseHeaderTimeout:  attemptTime,
		MaxResponseHeaderBytes: maxReplyHeader,
		MaxIdleConns:           1,
		IdleConnTimeout:        time.Minute,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
	}
}

// newHTTPClient takes redirects for what they are: not taken.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
