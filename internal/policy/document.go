package policy

import (
	"net/netip"
	"time"
)

// Document is one policy: what one app may do with one resource. The zero
// value of a member does not restrict; only Resource is required. A list that
// is present but empty allows nothing (and [Parse] refuses it).
type Document struct {
	// Resource is "type:name", for example "llm:openai".
	Resource string `json:"resource"`
	// Actions are the actions granted, compared exactly.
	Actions []string `json:"actions,omitzero"`
	// NotBefore is the first instant the permission holds.
	NotBefore time.Time `json:"not_before,omitzero"`
	// ExpiresAt is the first instant the permission holds no more; the zero
	// time is "forever".
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Hours are when the permission holds, by the owner's clock; nil is always.
	Hours *Hours `json:"hours,omitzero"`
	// Addresses are the networks requests may come from.
	Addresses []netip.Prefix `json:"addresses,omitzero"`
	// Origins are the origins of web pages, compared exactly; requests that come
	// from no web page are not concerned.
	Origins []string `json:"origins,omitzero"`
	// RequireBodyHash wants proofs bound to the request's body.
	RequireBodyHash bool `json:"require_body_hash,omitzero"`
	// Models and DenyModels are globs (* and ?), case-sensitive, a "models/"
	// prefix ignored on either side. Deny beats allow.
	Models     []string `json:"models,omitzero"`
	DenyModels []string `json:"deny_models,omitzero"`
	// MaxInputTokens bounds the tokens that the model reads, by the gateway's
	// upper estimate.
	MaxInputTokens int64 `json:"max_input_tokens,omitzero"`
	// MaxOutputTokens bounds the tokens of all of a request's choices together.
	MaxOutputTokens int64 `json:"max_output_tokens,omitzero"`
	// MaxBodyBytes bounds the request's body.
	MaxBodyBytes int64 `json:"max_body_bytes,omitzero"`
	// Tools and Streaming forbid when they are anything but "" and "allow".
	Tools     Access `json:"tools,omitzero"`
	Streaming Access `json:"streaming,omitzero"`
	// Mail are the rules for messages sent; nil does not restrict.
	Mail *Mail `json:"mail,omitzero"`
	// Key is the label of the one provider key that requests are sent with; empty
	// leaves the choice to the gateway.
	Key string `json:"key,omitzero"`
	// Limits must all hold.
	Limits []Limit `json:"limits,omitzero"`
	// Concurrency is how many requests may run at once.
	Concurrency int `json:"concurrency,omitzero"`
}

// Limit caps what is used in each period.
type Limit struct {
	Per Period `json:"per"`
	// Model is a glob; only requests for a matching model are counted.
	Model string `json:"model,omitzero"`
	// Requests is the cap on requests; 0 is no cap.
	Requests int64 `json:"requests,omitzero"`
	// Tokens is the cap on input and output tokens together; 0 is no cap.
	Tokens int64 `json:"tokens,omitzero"`
	// Dollars is the cap on what is spent; 0 is no cap.
	Dollars Dollars `json:"dollars,omitzero"`
}

// Access says whether a feature may be used.
type Access string

// The two explicit answers; absence ("") does not restrict.
const (
	Allow Access = "allow"
	Deny  Access = "deny"
)

// Period is the time a limit runs over.
type Period string

// Minute windows are rate limits that start with their first request; days
// and months are calendar periods in the owner's time zone; a lifetime never
// resets.
const (
	Minute   Period = "minute"
	Day      Period = "day"
	Month    Period = "month"
	Lifetime Period = "lifetime"
)
