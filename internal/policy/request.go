package policy

import (
	"net/netip"
	"time"

	"github.com/keywicket/keywicket/internal/policy/price"
)

// Request is what a request is about, as the dialect described it.
type Request struct {
	AppStatus string `json:"app_status"` // "active", "suspended" or "revoked"; anything else is denied
	Resource  string `json:"resource"`
	Action    string `json:"action"`
	Model     string `json:"model,omitzero"` // as the client names it; "" when none can be found

	Address   netip.Addr `json:"address,omitzero"` // the client's; the zero address is unknown
	Origin    string     `json:"origin,omitzero"`  // of the web page it comes from, as the browser says
	BodyBytes int64      `json:"body_bytes,omitzero"`
	BodyBound bool       `json:"body_bound,omitzero"` // the proof names the body, and it is that one

	// InputTokens is an upper estimate of what the model reads. InputUnknown says
	// that the provider adds input the gateway cannot see, so that only the
	// model's context bounds it.
	InputTokens  int64 `json:"input_tokens,omitzero"`
	InputUnknown bool  `json:"input_unknown,omitzero"`
	// OutputAtOnce says that a stream does not show its output as it is made, so
	// that all of it is held from the start.
	OutputAtOnce bool  `json:"output_at_once,omitzero"`
	OutputTokens int64 `json:"output_tokens,omitzero"` // asked per choice; 0 is none asked
	Choices      int64 `json:"choices"`                // answers asked for; 0 is an action without output

	Tools  bool       `json:"tools,omitzero"`
	Stream bool       `json:"stream,omitzero"`
	Mail   *MailFacts `json:"mail,omitzero"` // nil when it sends no mail

	// Retry says that the same request has been charged before and brought its
	// client nothing: limits on requests count it once.
	Retry bool `json:"retry,omitzero"`

	Time time.Time      `json:"time"`
	Zone *time.Location `json:"-"` // the owner's; where hours are given, nil is denied
	Rate *price.Rate    `json:"-"` // of the model; nil: nothing is known of it
}

// MailFacts are what a request that sends mail is about, all of its messages
// together.
type MailFacts struct {
	FromDomain      string   `json:"from_domain"` // "" when unreadable or not one
	To              []string `json:"to,omitzero"` // the recipients' domains, distinct
	Recipients      int      `json:"recipients"`  // distinct, over to, cc and bcc
	HTML            bool     `json:"html,omitzero"`
	AttachmentBytes int64    `json:"attachment_bytes,omitzero"`
	Messages        int      `json:"messages,omitzero"`
}

// ActionListModels is the one action that names no model: it lists them. It
// passes model lists, is not counted by limits with a model, and gets no
// output cap. Every other request without a model is one "in which no model
// can be found": denied when a list is present, and counted by every limit.
const ActionListModels = "models.list"

// listsModels is decided by the action alone, which comes from the route: a
// fact that a client could leave out must not open this door.
func (r *Request) listsModels() bool { return r.Action == ActionListModels && r.Model == "" }

// hasNoOutput is false for a request that asks for output, whatever its
// dialect makes of it.
func (r *Request) hasNoOutput() bool {
	return r.listsModels() || r.Choices == 0 && r.OutputTokens == 0
}

// priced says that it is known what the model costs.
func (r *Request) priced() bool { return r.Rate != nil && !r.Rate.Unpriced }

// free says that the action costs nothing wherever no price is known for it:
// providers take money for what models read and write, not for telling about
// them, nor for judging whether text is fit for them.
func (r *Request) free() bool {
	if !r.hasNoOutput() {
		return false
	}
	switch r.Action {
	case ActionListModels, "models.get", "moderations", "count_tokens", "messages.count_tokens":
		return true
	}
	return false
}

// messages is how many requests the request counts as: a batch of mail counts
// as so many.
func (r *Request) messages() int64 {
	if r.Mail == nil {
		return 1
	}
	return int64(max(r.Mail.Messages, 1))
}

// HidesOutput says that the model may produce output that nobody sees.
func (r *Request) HidesOutput() bool { return r.bounds().Hidden }

// bounds are what is known of the model. One of which nothing is known may
// produce output that nobody sees.
func (r *Request) bounds() price.Rate {
	if r.Rate == nil {
		return price.Rate{Hidden: true, Unpriced: true}
	}
	return *r.Rate
}

func (r *Request) choices() int64 { return max(r.Choices, 1) }

// countedBy says whether a limit counts the request. A model that is missing
// or too long to compare counts everywhere: hiding it must gain nothing.
func (r *Request) countedBy(l *Limit) bool {
	switch {
	case l.Model == "":
		return true
	case r.listsModels():
		return false
	case r.Model == "" || len(r.Model) > maxGlobBytes:
		return true
	}
	return matchModel(l.Model, r.Model)
}
