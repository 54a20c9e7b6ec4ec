package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// maxTail bounds Tail.
const maxTail = 10_000

// Tail returns the last n events, newest last; at most 10,000, and none when n
// is not positive. It reads no more of the file than they take. A line that is
// not what was written comes as an AuditUnreadable event.
func (l *Log) Tail(n int) ([]Event, error) {
	l.mu.Lock()
	size := l.size
	l.mu.Unlock()
	if n <= 0 || size == 0 {
		return nil, nil
	}
	f, err := os.Open(l.path)
	if err != nil {
		return nil, fmt.Errorf("reading audit log: %w", err)
	}
	defer f.Close()

	var events []Event
	back := backwards{r: f, end: size - 1} // before the last newline
	for len(events) < min(n, maxTail) {
		raw, err := back.previous()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading audit log: %w", err)
		}
		events = append(events, l.chain.event(raw.text))
		if err != nil {
			break
		}
	}
	slices.Reverse(events)
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
