package proxy

import (
	"errors"
	"io"
	"time"

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
	spool   *spool.Spool // nil until it is read
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
		}
	}
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
// takes. Errors: errBodyTooLarge, errBodyMemory, errBodyRead, those of the disk.
func (b *body) spool() error {
	l := b.large
	if b.request.ContentLength > l.limit {
		return errBodyTooLarge
	}
	var err error
	l.spool, err = spool.New(spool.Config{
		Dir: l.dir, Limit: l.limit, Rand: l.rand, Claim: func(n int64) bool { return l.room.claim(b.appID, n) },
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
		return errBodyTooLarge
	case errors.Is(err, spool.ErrNoRoom):
		return errBodyMemory
	}
	return err
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
