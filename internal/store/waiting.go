package store

import (
	"errors"
	"sync"
)

// errAborted gives up a shared commit in which one function failed.
var errAborted = errors.New("store: shared commit aborted")

// waiting lists calls for whoever commits next.
type waiting struct {
	mu    sync.Mutex
	calls []*call
}

func (w *waiting) add(c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
}

func (w *waiting) take() []*call {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}
