package audit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
)

// Follow calls fn with each event appended from now on, in order, until ctx
// ends, fn fails or the log is closed. It reads them from the file, so a slow
// fn delays nobody and costs no memory.
// Errors: ctx.Err(), ErrClosed, fn's, or the operating system's.
func (l *Log) Follow(ctx context.Context, fn func(Event) error) error {
	f := follower{log: l}
	now := l.watch()
	f.count, f.pos = now.opened.count, now.size
	defer f.close()
	for {
		if err := f.catchUp(ctx, now, fn); err != nil {
			return err
		}
		if now.closed {
			return ErrClosed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-now.changed:
		}
		now = l.watch()
	}
}

// state is the end of the log at one moment; changed is closed when it is no
// longer that.
type state struct {
	size    int64
	opened  opening
	closed  bool
	changed <-chan struct{}
}

func (l *Log) watch() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return state{size: l.size, opened: l.opened, closed: l.closed, changed: l.changed}
}

type follower struct {
	log   *Log
	file  *os.File
	count int // opening.count of file
	pos   int64
}

// catchUp hands on the lines between what was last handed on and now.
func (f *follower) catchUp(ctx context.Context, now state, fn func(Event) error) error {
	if err := f.open(now); err != nil {
		return fmt.Errorf("reading audit log: %w", err)
	}
	part := io.NewSectionReader(f.file, f.pos, now.size-f.pos)
	return eachLine(part, func(raw []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.pos += int64(len(raw))
		return fn(f.log.chain.event(bytes.TrimSuffix(raw, []byte("\n"))))
	})
}

// open opens the log's present file. If the log had to begin another file,
// following goes on with the first line written there.
func (f *follower) open(now state) error {
	if f.file != nil && f.count == now.opened.count {
		return nil
	}
	next, err := os.Open(f.log.path)
	if err != nil {
		return err
	}
	if f.count != now.opened.count && (f.file == nil || !sameFile(f.file, next) || f.pos > now.opened.start) {
		f.pos = now.opened.start
	}
	f.close()
	f.file, f.count = next, now.opened.count
	return nil
}

func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close() // only read
	}
}

func sameFile(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}
