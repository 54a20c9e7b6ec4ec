package policy

import (
	"fmt"
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
	Origins         []string       `json:"origins"`
	RequireBodyHash bool           `json:"require_body_hash"`
	Models          []string       `json:"models"`
	DenyModels      []string       `json:"deny_models"`
	MaxOutputTokens *int64         `json:"max_output_tokens"`
	MaxBodyBytes    *int64         `json:"max_body_bytes"`
	Tools           *Access        `json:"tools"`
	Streaming       *Access        `json:"streaming"`
	Limits          []givenLimit   `json:"limits"`
	Concurrency     *int64         `json:"concurrency"`
}

type givenLimit struct {
	Per      Period  `json:"per"`
	Model    *string `json:"model"`
	Requests *int64  `json:"requests"`
}

// document turns what was given into a document; Validate judges the rest.
func (g given) document(now time.Time) (Document, error) {
	var r reading
	d := Document{
		Resource:        g.Resource,
		Actions:         g.Actions,
		NotBefore:       r.instant("not_before", g.NotBefore),
		ExpiresAt:       r.expiry(g, now),
		Origins:         g.Origins,
		RequireBodyHash: g.RequireBodyHash,
		Models:          g.Models,
		DenyModels:      g.DenyModels,
		MaxOutputTokens: r.amount("max_output_tokens", g.MaxOutputTokens),
		MaxBodyBytes:    r.amount("max_body_bytes", g.MaxBodyBytes),
		Tools:           r.access("tools", g.Tools),
		Streaming:       r.access("streaming", g.Streaming),
		Limits:          r.limits(g.Limits),
		Concurrency:     int(r.amount("concurrency", g.Concurrency)),
	}
	return d, r.err
}

// reading turns given members into a document's and keeps the first refusal.
type reading struct{ err error }

func (r *reading) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reading) instant(path string, t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	u, err := instant(path, *t)
	r.keep(err)
	return u
}

// expiry is the absolute expiry; zero is "forever".
func (r *reading) expiry(g given, now time.Time) time.Time {
	if g.ExpiresIn == nil {
		return r.instant("expires_at", g.ExpiresAt)
	}
	if g.ExpiresAt != nil {
		r.keep(refuse("expires_in", "cannot be given together with expires_at"))
	}
	d, err := lifetime("expires_in", g.ExpiresIn)
	r.keep(err)
	return now.UTC().Add(d).Truncate(time.Second)
}

func (r *reading) amount(path string, n *int64) int64 {
	if n == nil {
		return 0
	}
	r.keep(amount(path, *n))
	return *n
}

func (r *reading) access(path string, a *Access) Access {
	if a == nil {
		return ""
	}
	if *a == "" {
		r.keep(refuse(path, `must be "allow" or "deny"`))
	}
	return *a
}

func (r *reading) limits(all []givenLimit) []Limit {
	if all == nil {
		return nil
	}
	limits := make([]Limit, 0, len(all))
	for i, g := range all {
		at := fmt.Sprintf("limits[%d]", i)
		l := Limit{Per: g.Per, Requests: r.amount(at+".requests", g.Requests)}
		if g.Model != nil {
			l.Model = *g.Model
			r.keep(glob(at+".model", l.Model))
		}
		limits = append(limits, l)
	}
	return limits
}
