package client

import (
	"encoding/json"
	"time"
)

// Permission is what an app asks for, or has been granted, on one resource. Everything but Resource is optional; what
// is left out does not restrict.
type Permission struct {
	Resource        string   // required, such as llm:openai
	Actions         []string // such as chat.completions
	Models          []string // globs, such as gpt-4o*
	DenyModels      []string // globs; they beat Models
	MaxInputTokens  int64
	MaxOutputTokens int64
	MaxBodyBytes    int64
	Tools           string // "allow" or "deny"
	Streaming       string // "allow" or "deny"
	Mail            *Mail  // of resources that send mail
	Limits          []Limit
	Concurrency     int

	ExpiresIn time.Duration // asking: how long the permission is wanted, in whole seconds; 0 leaves it to the owner
	ExpiresAt time.Time     // granted: when it ends; zero is never
	NotBefore time.Time     // granted: when it begins; zero is at once
	Reason    string        // asking: why, in words for the owner
}

// Limit is how much may be used in a period, in each of three units. What is left out does not limit.
type Limit struct {
	Per      string `json:"per"`             // minute, day, month or lifetime
	Model    string `json:"model,omitempty"` // a glob; empty counts all models
	Requests int64  `json:"requests,omitempty"`
	Tokens   int64  `json:"tokens,omitempty"`  // of input and output together
	Dollars  string `json:"dollars,omitempty"` // a decimal such as "1.50", of at most nine places
}

// Mail is what may be sent to whom.
type Mail struct {
	FromDomains        []string `json:"from_domains,omitempty"` // *.example.com is what is below example.com
	ToDomains          []string `json:"to_domains,omitempty"`
	MaxRecipients      int64    `json:"max_recipients,omitempty"`
	HTML               string   `json:"html,omitempty"`                 // "allow" or "deny"
	MaxAttachmentBytes *int64   `json:"max_attachment_bytes,omitempty"` // nil does not limit, 0 allows no attachment
}

// detailType is the type of our authorization details (RFC 9396 section 2).
const detailType = "keywicket"

// detail is a Permission on the wire.
type detail struct {
	Type            string     `json:"type"`
	Identifier      string     `json:"identifier"`
	Actions         []string   `json:"actions,omitempty"`
	Models          []string   `json:"models,omitempty"`
	DenyModels      []string   `json:"deny_models,omitempty"`
	MaxInputTokens  int64      `json:"max_input_tokens,omitempty"`
	MaxOutputTokens int64      `json:"max_output_tokens,omitempty"`
	MaxBodyBytes    int64      `json:"max_body_bytes,omitempty"`
	Tools           string     `json:"tools,omitempty"`
	Streaming       string     `json:"streaming,omitempty"`
	Mail            *Mail      `json:"mail,omitempty"`
	Limits          []Limit    `json:"limits,omitempty"`
	Concurrency     int        `json:"concurrency,omitempty"`
	ExpiresIn       int64      `json:"expires_in,omitempty"` // seconds
	ExpiresAt       *time.Time `json:"expires_at,omitempty"`
	NotBefore       *time.Time `json:"not_before,omitempty"`
	Reason          string     `json:"reason,omitempty"`
}

// MarshalJSON writes the permission as an item of authorization_details.
func (p Permission) MarshalJSON() ([]byte, error) {
	return json.Marshal(detail{
		Type: detailType, Identifier: p.Resource, Actions: p.Actions, Models: p.Models, DenyModels: p.DenyModels,
		MaxInputTokens: p.MaxInputTokens, MaxOutputTokens: p.MaxOutputTokens, MaxBodyBytes: p.MaxBodyBytes,
		Tools: p.Tools, Streaming: p.Streaming, Mail: p.Mail, Limits: p.Limits, Concurrency: p.Concurrency, ExpiresIn: int64(p.ExpiresIn / time.Second),
		ExpiresAt: present(p.ExpiresAt), NotBefore: present(p.NotBefore), Reason: p.Reason,
	})
}

// UnmarshalJSON reads an item of authorization_details. Members that this version does not know are left out: the
// gateway is what enforces them.
func (p *Permission) UnmarshalJSON(data []byte) error {
	var d detail
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	*p = d.permission()
	return nil
}

func (d detail) permission() Permission {
	p := Permission{
		Resource: d.Identifier, Actions: d.Actions, Models: d.Models, DenyModels: d.DenyModels,
		MaxInputTokens: d.MaxInputTokens, MaxOutputTokens: d.MaxOutputTokens, MaxBodyBytes: d.MaxBodyBytes,
		Tools: d.Tools, Streaming: d.Streaming, Mail: d.Mail, Limits: d.Limits, Concurrency: d.Concurrency,
		ExpiresIn: time.Duration(d.ExpiresIn) * time.Second, Reason: d.Reason,
	}
	if d.ExpiresAt != nil {
		p.ExpiresAt = *d.ExpiresAt
	}
	if d.NotBefore != nil {
		p.NotBefore = *d.NotBefore
	}
	return p
}

func present(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
