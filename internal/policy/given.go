package policy

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// given is a document as it is written down. Pointers tell absent members,
// which do not restrict, from members that say nothing, which are refused.
type given struct {
	Resource        string         `json:"resource"`
	Actions         []string       `json:"actions"`
	NotBefore       *time.Time     `json:"not_before"`
	ExpiresAt       *time.Time     `json:"expires_at"`
	ExpiresIn       jsontext.Value `json:"expires_in"`
	Hours           *givenHours    `json:"hours"`
	Addresses       []string       `json:"addresses"`
	Origins         []string       `json:"origins"`
	RequireBodyHash bool           `json:"require_body_hash"`
	Models          []string       `json:"models"`
	DenyModels      []string       `json:"deny_models"`
	MaxInputTokens  *int64         `json:"max_input_tokens"`
	MaxOutputTokens *int64         `json:"max_output_tokens"`
	MaxBodyBytes    *int64         `json:"max_body_bytes"`
	Tools           *Access        `json:"tools"`
	Streaming       *Access        `json:"streaming"`
	Mail            *givenMail     `json:"mail"`
	Key             *string        `json:"key"`
	Limits          []givenLimit   `json:"limits"`
	Concurrency     *int64         `json:"concurrency"`
}

type givenLimit struct {
	Per      Period      `json:"per"`
	Model    *string     `json:"model"`
	Requests *int64      `json:"requests"`
	Tokens   *int64      `json:"tokens"`
	Dollars  *amountText `json:"dollars"`
}

type givenHours struct {
	From *string   `json:"from"`
	To   *string   `json:"to"`
	Days []Weekday `json:"days"`
}

type givenMail struct {
	FromDomains        []string `json:"from_domains"`
	ToDomains          []string `json:"to_domains"`
	MaxRecipients      *int64   `json:"max_recipients"`
	HTML               *Access  `json:"html"`
	MaxAttachmentBytes *int64   `json:"max_attachment_bytes"`
}

// amountText is an amount of dollars.
type amountText string

// document turns what was given into a document; Validate judges the rest.
func (g given) document(now time.Time) (Document, error) {
	var r reading
	d := Document{
		Resource:        g.Resource,
		Actions:         g.Actions,
		NotBefore:       r.instant("not_before", g.NotBefore),
		ExpiresAt:       r.expiry(g, now),
		Hours:           r.hours(g.Hours),
		Addresses:       r.addresses(g.Addresses),
		Origins:         g.Origins,
		RequireBodyHash: g.RequireBodyHash,
		Models:          g.Models,
		DenyModels:      g.DenyModels,
		MaxInputTokens:  r.amount("max_input_tokens", g.MaxInputTokens),
		MaxOutputTokens: r.amount("max_output_tokens", g.MaxOutputTokens),
		MaxBodyBytes:    r.amount("max_body_bytes", g.MaxBodyBytes),
		Tools:           r.access("tools", g.Tools),
		Streaming:       r.access("streaming", g.Streaming),
		Mail:            r.mail(g.Mail),
		Key:             r.key(g.Key),
		Limits:          r.limits(g.Limits),
		Concurrency:     int(r.amount("concurrency", g.Concurrency)),
	}
	return d, r.err
}
