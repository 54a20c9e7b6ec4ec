package fakeupstream

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"
)

// Request is one request as it arrived.
type Request struct {
	Time     time.Time
	Method   string
	Path     string // escaped, as on the wire
	RawQuery string
	Host     string
	Header   http.Header
	Body     []byte
}

// began records a request and returns its number, from 1, and the fault that is
// to befall it.
func (u *Upstream) began(r *http.Request, body []byte) (int, Fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count++
	u.running++
	if len(u.requests) < MaxRequests {
		u.requests = append(u.requests, Request{
			Time: u.clock(), Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
			Host: r.Host, Header: r.Header.Clone(), Body: body,
		})
	}
	fault := u.fault
	if fault.Times > 0 {
		if u.fault.Times--; u.fault.Times == 0 {
			u.fault = Fault{}
		}
	}
	u.moved()
	return u.count, fault
}

func (u *Upstream) ended(r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.running--
	if r.Context().Err() != nil {
		u.gone++
	}
	u.moved()
}

// moved wakes everybody who waits; u.mu is held.
func (u *Upstream) moved() {
	close(u.changed)
	u.changed = make(chan struct{})
}

// Count is how many requests arrived, whatever became of them.
func (u *Upstream) Count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.count
}

// Running is how many requests are being answered now.
func (u *Upstream) Running() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.running
}

// Gone is how many callers hung up before their answer was complete.
func (u *Upstream) Gone() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.gone
}

// Requests returns what arrived, oldest first: copies, the caller's to keep.
func (u *Upstream) Requests() []Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := slices.Clone(u.requests)
	for i := range all {
		all[i].Header = all[i].Header.Clone()
		all[i].Body = bytes.Clone(all[i].Body)
	}
	return all
}

// Forget drops the requests seen so far and sets Count and Gone to zero.
func (u *Upstream) Forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.requests, u.count, u.gone = nil, 0, 0
	u.moved()
}

// Wait returns once until holds, asked again whenever a request begins or ends;
// or with the context's error.
//
//	fake.Wait(ctx, func() bool { return fake.Gone() == 1 })
func (u *Upstream) Wait(ctx context.Context, until func() bool) error {
	for {
		u.mu.Lock()
		changed := u.changed
		u.mu.Unlock()
		if until() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
