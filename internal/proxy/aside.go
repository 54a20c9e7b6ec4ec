package proxy

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// asideIdle is how long a goroutine that works aside waits for more to do.
const asideIdle = time.Second

// aside runs what needs a deep stack, such as checking signatures, on goroutines
// of its own. A stack stays as large as it has once been for as long as something
// is open on it: that of a connection, for the hours that a stream takes. Each
// was 8 KiB larger when its goroutine did all of it.
type aside struct {
	waiting chan *task // to a goroutine that waits for one
	tasks   sync.Pool
	log     *slog.Logger
}

func newAside(log *slog.Logger) *aside {
	return &aside{
		log:     log,
		waiting: make(chan *task),
		tasks:   sync.Pool{New: func() any { return &task{done: make(chan struct{})} }},
	}
}

// task is a function that somebody waits for.
type task struct {
	run      func() error
	done     chan struct{}
	err      error
	panicked any
}

// do runs a function and returns what it does. If that panics, so does do.
func (a *aside) do(run func() error) error {
	t := a.tasks.Get().(*task)
	t.run = run
	select {
	case a.waiting <- t:
	default: // none waits
		go a.work(t)
	}
	<-t.done
	err, panicked := t.err, t.panicked
	*t = task{done: t.done}
	a.tasks.Put(t)
	if panicked != nil {
		panic(panicked)
	}
	return err
}

// work does a task, and others that come soon after.
func (a *aside) work(t *task) {
	idle := time.NewTimer(asideIdle)
	defer idle.Stop()
	for {
		a.perform(t)
		t.done <- struct{}{}
		idle.Reset(asideIdle)
		select {
		case t = <-a.waiting:
		case <-idle.C:
			return
		}
	}
}

// perform notes where a task panics: whoever waits for it panics elsewhere.
func (a *aside) perform(t *task) {
	defer func() {
		if t.panicked = recover(); t.panicked != nil {
			a.log.Error("panicked aside", "stack", string(debug.Stack())) // without the value, which may be a secret
		}
	}()
	t.err = t.run()
}
