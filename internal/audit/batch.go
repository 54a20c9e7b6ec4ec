package audit

import "fmt"

// maxBatch bounds the lines of one write.
const maxBatch = 64

// batch is lines that go to the file in one write: those that came while the
// write before was under way. Whoever brings the first one writes for all.
type batch struct {
	events []Event
	first  [1]Event      // where events begins: most batches are of one
	done   chan struct{} // closed when all is written; nil while nobody else waits
	err    error         // may be read then
}

// Append writes one line. Error: ErrUnavailable, wrapped; then no line was
// written, and the next Append tries anew.
func (l *Log) Append(e Event) error {
	b, leads := l.join(clean(e))
	if !leads {
		<-b.done
		return b.err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seal(b)
	b.err = l.appendAll(b.events)
	if b.done != nil {
		close(b.done)
	}
	return b.err
}

// join puts a line in the batch that is being gathered, or begins one, which
// the caller then leads.
func (l *Log) join(e Event) (b *batch, leads bool) {
	l.joining.Lock()
	defer l.joining.Unlock()
	if b = l.next; b == nil || len(b.events) == maxBatch {
		b, leads = &batch{}, true
		b.events = b.first[:0]
		l.next = b
	} else if b.done == nil {
		b.done = make(chan struct{})
	}
	b.events = append(b.events, e)
	return b, leads
}

// seal keeps further lines out of a batch.
func (l *Log) seal(b *batch) {
	l.joining.Lock()
	defer l.joining.Unlock()
	if l.next == b {
		l.next = nil
	}
}

func (l *Log) appendAll(events []Event) error {
	if l.closed {
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	}
	if err := l.ready(); err != nil {
		return fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	if err := l.write(events...); err != nil {
		return fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	return nil
}
