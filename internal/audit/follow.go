package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Follow calls fn with each event appended from now on, in order, until ctx
// ends, fn fails or the log is closed. It reads them from the file, so a slow
// fn delays nobody and costs no memory.
// Errors: ctx.Err(), ErrClosed, fn's, or the operating system's.
func (l *Log) Follow(ctx context.Context, fn func(Event) error) error {
	now := l.watch()
	f := follower{log: l, segment: now.segment, count: now.opened.count, pos: now.size}
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
	segment int
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
	return state{segment: l.segment, size: l.size, opened: l.opened, closed: l.closed, changed: l.changed}
}

// follower reads one file after the other. It keeps its file open: a file that
// is finished meanwhile gets another name and stays the same file.
type follower struct {
	log     *Log
	file    *os.File
	segment int // number of file
	count   int // opening.count of file
	pos     int64
}

// catchUp hands on the lines between what was last handed on and now.
func (f *follower) catchUp(ctx context.Context, now state, fn func(Event) error) error {
	for f.segment < now.segment {
		if err := f.finish(ctx, fn); err != nil {
			return err
		}
	}
	if err := f.open(now); err != nil {
		return fmt.Errorf("reading audit log: %w", err)
	}
	return f.read(ctx, now.size, fn)
}

func (f *follower) read(ctx context.Context, end int64, fn func(Event) error) error {
	part := io.NewSectionReader(f.file, f.pos, end-f.pos)
	return eachLine(part, func(raw []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.pos += int64(len(raw))
		return fn(f.log.chain.event(bytes.TrimSuffix(raw, []byte("\n"))))
	})
}

// finish reads a finished file to its end and goes on to the next.
func (f *follower) finish(ctx context.Context, fn func(Event) error) error {
	done, err := openSegment(f.log.dir, f.segment)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // removed: nothing to read
		return fmt.Errorf("reading audit log: %w", err)
	}
	if err == nil {
		if f.file != nil && !sameFile(f.file, done.file) {
			f.pos = 0 // the log had to begin another file before this one was finished
		}
		f.close()
		f.file = done.file
		if err := f.read(ctx, done.size, fn); err != nil {
			return err
		}
	}
	f.close()
	f.file, f.pos = nil, 0
	f.segment++
	return nil
}

// open opens the file that is being written. If the log had to begin another
// file, following goes on with the first line written there.
func (f *follower) open(now state) error {
	if f.file != nil && f.count == now.opened.count {
		return nil
	}
	f.log.mu.Lock() // so that it is not finished between asking and opening
	path := f.log.path
	if f.log.segment != f.segment {
		path = filepath.Join(f.log.dir, segmentName(f.segment))
	}
	next, err := os.Open(path)
	f.log.mu.Unlock()
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
