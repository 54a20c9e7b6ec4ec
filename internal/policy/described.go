package policy

import (
	"errors"
	"net/netip"
	"slices"
	"time"
)

const (
	aRequest      = "a described request"
	maxRecipients = 1_000_000
)

// RequestError is a described request refused, and where.
type RequestError struct {
	Path    string // for example mail.from_domain; "" is the request itself
	Problem string
}

// Error is the path and the problem.
func (e *RequestError) Error() string {
	if e.Path == "" {
		return aRequest + ": " + e.Problem
	}
	return e.Path + ": " + e.Problem
}

// described is a request as it is written down.
type described struct {
	AppStatus    *string        `json:"app_status"`
	Resource     *string        `json:"resource"`
	Action       *string        `json:"action"`
	Model        string         `json:"model"`
	Address      *string        `json:"address"`
	Origin       string         `json:"origin"`
	BodyBytes    *int64         `json:"body_bytes"`
	BodyBound    bool           `json:"body_bound"`
	InputTokens  *int64         `json:"input_tokens"`
	InputUnknown bool           `json:"input_unknown"`
	OutputTokens *int64         `json:"output_tokens"`
	Choices      *int64         `json:"choices"`
	Tools        bool           `json:"tools"`
	Stream       bool           `json:"stream"`
	Retry        bool           `json:"retry"`
	Mail         *describedMail `json:"mail"`
	Time         *time.Time     `json:"time"`
}

type describedMail struct {
	FromDomain      string   `json:"from_domain"`
	To              []string `json:"to"`
	Recipients      *int64   `json:"recipients"`
	HTML            bool     `json:"html"`
	AttachmentBytes *int64   `json:"attachment_bytes"`
	Messages        *int64   `json:"messages"`
}

// ParseRequest reads a described request of at most [MaxDocumentBytes], as
// strictly as [Parse] reads a document. Its members are those of [Request];
// only action is required. The resource defaults to the document's, time to
// now, app_status to active, choices to 1 where a model is named, a mail's
// recipients to one for each domain in to, and its messages to 1. Zone and
// Rate are the caller's to set. Errors are *[RequestError].
func ParseRequest(data []byte, d Document, now time.Time) (Request, error) {
	r, err := parseRequest(data, d, now)
	if refused, ok := errors.AsType[*DocumentError](err); ok {
		return Request{}, &RequestError{Path: refused.Path, Problem: refused.Problem}
	}
	return r, err
}

func parseRequest(data []byte, d Document, now time.Time) (Request, error) {
	if len(data) > MaxDocumentBytes {
		return Request{}, refuse("", "is longer than %d bytes", MaxDocumentBytes)
	}
	var g described
	if err := decode(data, &g, aRequest); err != nil {
		return Request{}, err
	}
	var r reading
	req := Request{
		AppStatus:    r.status(g.AppStatus),
		Resource:     r.resource(g.Resource, d.Resource),
		Action:       r.action(g.Action),
		Model:        g.Model,
		Address:      r.address(g.Address),
		Origin:       g.Origin,
		BodyBytes:    r.upTo(maxAmount, "body_bytes", g.BodyBytes, 0),
		BodyBound:    g.BodyBound,
		InputTokens:  r.upTo(maxAmount, "input_tokens", g.InputTokens, 0),
		InputUnknown: g.InputUnknown,
		OutputTokens: r.upTo(maxAmount, "output_tokens", g.OutputTokens, 0),
		Tools:        g.Tools,
		Stream:       g.Stream,
		Retry:        g.Retry,
		Mail:         r.described(g.Mail),
		Time:         now,
	}
	answers := int64(0)
	if req.Model != "" {
		answers = 1
	}
	req.Choices = r.upTo(maxAmount, "choices", g.Choices, answers)
	if g.Time != nil {
		req.Time = r.instant("time", g.Time)
	}
	return req, r.err
}

func (r *reading) status(given *string) string {
	if given == nil {
		return "active"
	}
	if !slices.Contains([]string{"active", "suspended", "revoked"}, *given) {
		r.keep(refuse("app_status", "must be active, suspended or revoked"))
	}
	return *given
}

func (r *reading) resource(given *string, otherwise string) string {
	if given == nil {
		return otherwise
	}
	r.keep(resource(*given))
	return *given
}

func (r *reading) action(given *string) string {
	if given == nil {
		r.keep(refuse("action", "is required, for example chat.completions"))
		return ""
	}
	if !name(*given) {
		r.keep(refuse("action", "must be an action's name, for example chat.completions"))
	}
	return *given
}

func (r *reading) address(given *string) netip.Addr {
	if given == nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(*given)
	if err != nil || a.Zone() != "" {
		r.keep(refuse("address", "must be an IP address without a zone, for example 203.0.113.7"))
	}
	return a.Unmap()
}

// upTo is an amount from 0 on.
func (r *reading) upTo(most int64, path string, given *int64, otherwise int64) int64 {
	switch {
	case given == nil:
		return otherwise
	case *given < 0:
		r.keep(refuse(path, "must be at least 0"))
	case *given > most:
		r.keep(refuse(path, "must be at most %d", most))
	}
	return *given
}

func (r *reading) described(g *describedMail) *MailFacts {
	if g == nil {
		return nil
	}
	facts := &MailFacts{
		FromDomain:      g.FromDomain,
		To:              g.To,
		Recipients:      int(r.upTo(maxRecipients, "mail.recipients", g.Recipients, int64(len(g.To)))),
		HTML:            g.HTML,
		AttachmentBytes: r.upTo(maxAmount, "mail.attachment_bytes", g.AttachmentBytes, 0),
		Messages:        int(r.upTo(maxRecipients, "mail.messages", g.Messages, 1)),
	}
	if facts.Messages == 0 {
		r.keep(refuse("mail.messages", "must be at least 1"))
	}
	return facts
}
