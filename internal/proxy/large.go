package proxy

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/proxy/spool"
	"github.com/keywicket/keywicket/plugins"
)

// large is a body that is kept on the disk, encrypted and without a name, until
// its request is over.
type large struct {
	dir     string
	limit   int64         // bytes
	timeout time.Duration // for all of it
	room    *memory       // on the disk, for the bodies of all requests
	rand    io.Reader
	granted func() (policy.Document, error) // to its app, for what the body goes to
	spool   *spool.Spool                    // nil until it is read
}

// takesUpload says that a provider describes the request from an upload.
func (x *exchange) takesUpload(p plugins.Provider) bool {
	uploader, ok := p.(plugins.Uploader)
	return ok && uploader.TakesUpload(plugins.Request{
		Method: x.request.Method, Path: x.path, RawQuery: x.request.URL.RawQuery, Header: x.request.Header,
	})
}

// expectBody has the body kept where the provider wants to find it. It is called
// before anything is read.
func (x *exchange) expectBody() {
	if x.takesUpload(x.provider) {
		cfg := x.p.cfg
		x.body.large = &large{
			dir: cfg.SpoolDir, limit: cfg.MaxUploadBytes, timeout: cfg.Timeouts.Upload, room: x.p.disk, rand: cfg.Rand,
			granted: x.granted,
		}
	}
}

// granted is what the app may do with the resource, without which nothing of an
// upload is kept. Error: *policy.Denied.
func (x *exchange) granted() (policy.Document, error) {
	permission, err := x.p.cfg.Pairing.Permission(x.caller.App.ID, x.resource)
	if !slices.Contains(permission.Document.Origins, origin(x.request)) {
		x.reply.hide()
	}
	if errors.Is(err, pairing.ErrNotGranted) {
		err = notGranted(x.resource)
	}
	return permission.Document, err
}

// bodyFor is the body as the provider takes it.
func (x *exchange) bodyFor() (plugins.Request, error) {
	if x.takesUpload(x.provider) != (x.body.large != nil) {
		return plugins.Request{}, errProviderChanged
	}
	if err := x.body.take(); err != nil {
		return plugins.Request{}, err
	}
	if x.body.large != nil {
		return plugins.Request{Upload: x.body.large.spool.Section()}, nil
	}
	return plugins.Request{Body: x.body.data}, nil
}

// spool writes the body to the disk as it comes, with the time that a large one
// takes, and no more of it than its app may send. Errors: *policy.Denied,
// errBodyTooLarge, errBodyMemory, errBodyRead, those of the disk.
func (b *body) spool() error {
	l := b.large
	document, err := l.granted()
	if err != nil {
		return err
	}
	limit, tooLarge := l.limit, errBodyTooLarge
	if most := document.MaxBodyBytes; most > 0 && most < limit {
		limit, tooLarge = most, overBody(most)
	}
	if b.request.ContentLength > limit {
		return tooLarge
	}
	l.spool, err = spool.New(spool.Config{
		Dir: l.dir, Limit: limit, Rand: l.rand, Claim: func(n int64) bool { return l.room.claim(b.appID, n) },
	})
	if err != nil {
		return err
	}
	if !b.extend(l.timeout) {
		return errBodyRead
	}
	err = l.spool.Fill(arriving{b.request.Body})
	switch {
	case errors.Is(err, spool.ErrTooLarge):
		return tooLarge
	case errors.Is(err, spool.ErrNoRoom):
		return errBodyMemory
	}
	return err
}

// overBody is what the policy says of a body that is over its bound.
func overBody(most int64) error {
	return &policy.Denied{
		Rule: "max_body_bytes", Code: policy.CodeBodyTooLarge,
		Message: fmt.Sprintf("The request's body may have %d bytes at most.", most),
	}
}

// extend gives a read more time, unless it was stopped.
func (b *body) extend(d time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		_ = b.control.SetReadDeadline(time.Now().Add(d))
	}
	return !b.stopped
}

// arriving is a client's body, whose errors are not the disk's, and whose end,
// when it comes too early, is none.
type arriving struct{ from io.Reader }

// Read implements io.Reader.
func (a arriving) Read(p []byte) (int, error) {
	n, err := a.from.Read(p)
	if err != nil && err != io.EOF {
		err = errBodyRead
	}
	return n, err
}

func (l *large) free(appID string) {
	if l.spool == nil {
		return
	}
	claimed := l.spool.Claimed()
	_ = l.spool.Close() // the file has no name: whatever happens, it goes with the process
	l.room.release(appID, claimed)
}
