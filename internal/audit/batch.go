package audit

import (
	"fmt"
	"runtime"
	"sync"
)

const (
	maxBatch = 64 // lines of one write
	// lonely is after how many writes of one line each it is tried again whether
	// others come when they get their turn.
	lonely = 16
)

// batch is lines that go to the file in one write: those that came while the
// write before was under way, or while other goroutines had their turn. Whoever
// brings the first one writes for all.
type batch struct {
	events  []Event
	waits   bool           // others may get their turn before it is written
	written sync.WaitGroup // what those wait for who did not bring the first
	err     error          // may be read then
}

// Append writes one line. Error: ErrUnavailable, wrapped; then no line was
// written, and the next Append tries anew.
func (l *Log) Append(e Event) error {
	b, leads := l.join(&e)
	if !leads {
		b.written.Wait()
		return b.err
	}
	if b.waits {
		runtime.Gosched()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seal(b)
	b.err = l.appendAll(b.events)
	l.reuse(b)
	b.written.Done()
	return b.err
}

// join puts a line in the batch that is being gathered, or begins one, which
// the caller then leads. System calls are most of what a line costs, so while
// there is so much to do that lines come together, one that is not in company
// yet lets others have their turn. Where there is little to do, it would be
// late for nothing.
func (l *Log) join(e *Event) (b *batch, leads bool) {
	l.joining.Lock()
	defer l.joining.Unlock()
	if b = l.next; b == nil || len(b.events) == maxBatch {
		b, leads = &batch{events: l.spare, waits: l.alone%lonely == 0}, true
		b.written.Add(1)
		l.next, l.spare = b, nil
	}
	b.events = append(b.events, *e)
	return b, leads
}

// seal keeps further lines out of a batch.
func (l *Log) seal(b *batch) {
	l.joining.Lock()
	defer l.joining.Unlock()
	if l.next == b {
		l.next = nil
	}
	if l.alone++; len(b.events) > 1 {
		l.alone = 0
	}
}

// reuse keeps the room that the lines of a batch took.
func (l *Log) reuse(b *batch) {
	clear(b.events)
	l.joining.Lock()
	defer l.joining.Unlock()
	l.spare, b.events = b.events[:0], nil
}

func (l *Log) appendAll(events []Event) error {
	if l.closed {
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	}
	if err := l.ready(); err != nil {
		return fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	if err := l.write(events); err != nil {
		return fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	return nil
}
