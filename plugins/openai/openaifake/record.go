package openaifake

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
)

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
}

// began records a request and returns its number, from 1, and the fault that is
// to befall it.
func (f *Fake) began(r *http.Request, body []byte) (int, Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	f.running++
	if len(f.requests) < MaxRequests {
		f.requests = append(f.requests, Request{
			Time: f.cfg.Clock(), Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
			Host: r.Host, Header: r.Header.Clone(), Body: body,
		})
	}
	fault := f.fault
	if fault.Times > 0 {
		if f.fault.Times--; f.fault.Times == 0 {
			f.fault = Fault{}
		}
	}
	f.moved()
	return f.count, fault
}

func (f *Fake) ended(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	if r.Context().Err() != nil {
		f.gone++
	}
	f.moved()
}

// moved wakes everybody who waits; f.mu is held.
func (f *Fake) moved() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// Count is how many requests arrived, whatever became of them.
func (f *Fake) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Running is how many requests are being answered now.
func (f *Fake) Running() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running
}

// Gone is how many callers hung up before their answer was complete.
func (f *Fake) Gone() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gone
}

// Requests returns what arrived, oldest first: copies, the caller's to keep.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.Clone(f.requests)
	for i := range all {
		all[i].Header = all[i].Header.Clone()
		all[i].Body = bytes.Clone(all[i].Body)
	}
	return all
}

// Forget drops the requests seen so far and sets Count and Gone to zero.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests, f.count, f.gone = nil, 0, 0
	f.moved()
}

// Wait returns once until holds, asked again whenever a request begins or ends;
// or with the context's error.
//
//	fake.Wait(ctx, func() bool { return fake.Gone() == 1 })
func (f *Fake) Wait(ctx context.Context, until func() bool) error {
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
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
