package audit

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Format is a way to write events for other programs.
type Format string

// Every format.
const (
	CSV   Format = "csv"   // RFC 4180, with a header
	JSONL Format = "jsonl" // one JSON object per line, as in the log, without its chain
)

// ErrFormat refuses a format that does not exist.
var ErrFormat = errors.New("unknown export format: use csv or jsonl")

// Filter chooses events. A zero field chooses all.
type Filter struct {
	// Since and Until bound the time: from Since on, before Until.
	Since, Until time.Time
	// App is an app's id or its name.
	App string
	// Kind is a kind, or the part of kinds before the dot: "request".
	Kind string
	// Code is a denial or error code.
	Code string
}

// matches reports whether an event is chosen. A line that cannot be read is
// always chosen: nobody can say that it is not what was asked for.
func (f Filter) matches(e Event) bool {
	group, _, _ := strings.Cut(string(e.Kind), ".")
	switch {
	case e.Kind == AuditUnreadable:
		return true
	case !f.Since.IsZero() && e.Time.Before(f.Since), !f.Until.IsZero() && !e.Time.Before(f.Until):
		return false
	case f.App != "" && f.App != e.AppID && f.App != e.AppName:
		return false
	case f.Kind != "" && f.Kind != string(e.Kind) && f.Kind != group:
		return false
	}
	return f.Code == "" || f.Code == e.Code
}

// Export writes the events that filter chooses, oldest first, from all files.
// A line that is not what was written comes as an AuditUnreadable event.
// Errors: ErrFormat; w's; or the operating system's.
func (l *Log) Export(w io.Writer, filter Filter, as Format) error {
	var out encoder
	switch as {
	case CSV:
		out = csvEncoder{csv.NewWriter(w)}
	case JSONL:
		out = jsonEncoder{bufio.NewWriter(w)}
	default:
		return ErrFormat
	}
	all, err := l.snapshot()
	if err != nil {
		return fmt.Errorf("exporting audit log: %w", err)
	}
	defer all.close()
	if err := out.begin(); err != nil {
		return fmt.Errorf("exporting audit log: %w", err)
	}
	err = all.eachLine(func(_ string, raw []byte) error {
		if e := l.chain.event(bytes.TrimSuffix(raw, []byte("\n"))); filter.matches(e) {
			return out.event(e)
		}
		return nil
	})
	if err := errors.Join(err, out.end()); err != nil {
		return fmt.Errorf("exporting audit log: %w", err)
	}
	return nil
}

type encoder interface {
	begin() error
	event(Event) error
	end() error
}

type jsonEncoder struct{ w *bufio.Writer }

func (j jsonEncoder) begin() error { return nil }

func (j jsonEncoder) event(e Event) error { return json.NewEncoder(j.w).Encode(e) }

func (j jsonEncoder) end() error { return j.w.Flush() }

type csvEncoder struct{ w *csv.Writer }

func (c csvEncoder) begin() error {
	return c.w.Write([]string{
		"seq", "time", "kind", "actor", "request_id", "app_id", "app_name", "session_id", "permission_id", "resource", "action", "model",
		"code", "status", "latency_ms", "input_tokens", "cached_tokens", "output_tokens", "address", "detail",
		"cache_write_tokens", "cost_nano_dollars", "estimated", "key",
	})
}

func (c csvEncoder) event(e Event) error {
	var usage Usage
	if e.Usage != nil {
		usage = *e.Usage
	}
	at := ""
	if !e.Time.IsZero() {
		at = e.Time.Format(time.RFC3339Nano)
	}
	return c.w.Write([]string{
		number(e.Seq), at, cell(string(e.Kind)), cell(string(e.Actor)), cell(e.RequestID), cell(e.AppID), cell(e.AppName),
		cell(e.SessionID), cell(e.PermissionID), cell(e.Resource), cell(e.Action), cell(e.Model), cell(e.Code), number(int64(e.Status)),
		number(e.LatencyMS), number(usage.InputTokens), number(usage.CachedTokens), number(usage.OutputTokens), cell(e.Address), cell(e.Detail),
		number(usage.CacheWriteTokens), number(usage.CostNanoDollars), truth(usage.Estimated), cell(e.Key),
	})
}

func (c csvEncoder) end() error {
	c.w.Flush()
	return c.w.Error()
}

// number leaves out zeros, as the log does.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// truth leaves out what is not so.
func truth(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// cell keeps a spreadsheet from running what an app or a client chose to be
// called: a text that begins like a formula gets an apostrophe before it.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
