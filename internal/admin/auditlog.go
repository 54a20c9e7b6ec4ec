package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
)

const (
	maxLines    = 10_000           // of one tail
	followWrite = 30 * time.Second // for one event to reach a follower
)

func (a *Admin) tail(c echo.Context) error {
	n, err := lines(c)
	if err != nil {
		return err
	}
	events, err := a.cfg.Audit.Tail(n)
	if err != nil {
		return err
	}
	return answer(c, events)
}

func lines(c echo.Context) (int, error) {
	n, err := strconv.Atoi(c.QueryParam("lines"))
	if err != nil || n < 0 || n > maxLines {
		return 0, refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "--lines must lie between 1 and %d", maxLines)
	}
	return n, nil
}

// follow answers the newest events and then each new one, a JSON object a
// line, until the client goes away or the gateway stops.
func (a *Admin) follow(c echo.Context) error {
	n, err := lines(c)
	if err != nil {
		return err
	}
	newest, err := a.cfg.Audit.Tail(max(n, 1))
	if err != nil {
		return err
	}
	a.endAtShutdown(c.Request().Context())
	stream := newStream(c)
	for i, event := range newest {
		stream.last = max(stream.last, event.Seq)
		if i >= len(newest)-n {
			err = errors.Join(err, stream.send(event))
		}
	}
	if err = errors.Join(err, stream.flush()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	defer context.AfterFunc(a.stopping, cancel)()
	err = a.cfg.Audit.Follow(ctx, func(event audit.Event) error {
		return a.catchUp(stream, event)
	})
	if ctx.Err() != nil || errors.Is(err, audit.ErrClosed) {
		return nil
	}
	return err
}

// endAtShutdown lets the server of this request end all followers before it
// waits for its connections to become idle, which a follower's never does.
func (a *Admin) endAtShutdown(request context.Context) {
	if server, ok := request.Value(http.ServerContextKey).(*http.Server); ok {
		a.shutdown.Do(func() { server.RegisterOnShutdown(a.Close) })
	}
}

// catchUp sends event, and before it those that were written between the tail
// and the moment following began.
func (a *Admin) catchUp(s *stream, event audit.Event) error {
	if missed := event.Seq - s.last - 1; missed > 0 && missed < maxLines {
		recent, err := a.cfg.Audit.Tail(maxLines)
		if err != nil {
			return err
		}
		for _, earlier := range recent {
			if earlier.Seq > s.last && earlier.Seq < event.Seq {
				if err := s.send(earlier); err != nil {
					return err
				}
			}
		}
	}
	s.last = max(s.last, event.Seq)
	if err := s.send(event); err != nil {
		return err
	}
	return s.flush()
}

// stream writes events to one follower.
type stream struct {
	response *echo.Response
	control  *http.ResponseController
	last     int64 // number of the newest event sent or passed over
}

func newStream(c echo.Context) *stream {
	c.Response().Header().Set(echo.HeaderContentType, "application/x-ndjson")
	c.Response().WriteHeader(http.StatusOK)
	return &stream{response: c.Response(), control: http.NewResponseController(c.Response())}
}

func (s *stream) send(event audit.Event) error {
	data, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("encoding event: %w", err)
	}
	// A follower that reads nothing must not hold its handler for ever.
	if err := s.control.SetWriteDeadline(time.Now().Add(followWrite)); err != nil {
		return err
	}
	_, err = s.response.Write(append(data, '\n'))
	return err
}

func (s *stream) flush() error { return s.control.Flush() }

func (a *Admin) verify(c echo.Context) error {
	report, err := a.cfg.Audit.Verify()
	if broken, ok := errors.AsType[*audit.BrokenError](err); ok {
		return answer(c, Verification{Lines: report.Lines, File: broken.File, Broken: broken.Line, Reason: broken.Reason})
	}
	if err != nil {
		return err
	}
	return answer(c, Verification{OK: true, Lines: report.Lines})
}
