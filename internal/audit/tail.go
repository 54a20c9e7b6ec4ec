package audit

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxTail bounds Tail.
const maxTail = 10_000

// Tail returns the last n events, newest last; at most 10,000, and none when n
// is not positive. It reads no more of the log than they take. A line that is
// not what was written comes as an AuditUnreadable event.
func (l *Log) Tail(n int) ([]Event, error) {
	n = min(n, maxTail)
	if n <= 0 {
		return nil, nil
	}
	all, err := l.snapshot()
	if err != nil {
		return nil, fmt.Errorf("reading audit log: %w", err)
	}
	defer all.close()
	var events []Event // newest first
	for i := all.files() - 1; i >= 0 && len(events) < n; i-- {
		err := all.use(i, func(seg segment) error {
			more, err := l.chain.tail(seg, n-len(events))
			events = append(events, more...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading audit log: %w", err)
		}
	}
	slices.Reverse(events)
	return events, nil
}

// tail returns the last n events of one file, newest first.
func (c chain) tail(seg segment, n int) ([]Event, error) {
	if seg.size == 0 {
		return nil, nil
	}
	var events []Event
	back := backwards{r: seg.file, end: seg.size - 1} // before the last newline
	for len(events) < n {
		raw, err := back.previous()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		events = append(events, c.event(raw.text))
		if err != nil {
			break
		}
	}
	return events, nil
}

// event reads a line for display.
func (c chain) event(raw []byte) Event {
	ln, _, err := c.decode(raw)
	if err != nil {
		return Event{Kind: AuditUnreadable, Actor: Gateway, Detail: "this line " + err.Error() + ": run `gateway audit verify`"}
	}
	return ln.Event
}
