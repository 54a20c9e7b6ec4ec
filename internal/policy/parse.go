package policy

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
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

// Parse reads one document of at most [MaxDocumentBytes]. A relative
// expires_in ("24h", "30d", or whole seconds) is counted from now and kept as
// ExpiresAt. Errors are *[DocumentError].
func Parse(data []byte, now time.Time) (Document, error) {
	if len(data) > MaxDocumentBytes {
		return Document{}, refuse("", "is longer than %d bytes", MaxDocumentBytes)
	}
	var g given
	if err := decode(data, &g); err != nil {
		return Document{}, err
	}
	d, err := g.document(now)
	if err != nil {
		return Document{}, err
	}
	return d, d.Validate()
}

// ParseAll reads one document or an array of 1 to [MaxDocuments] of them, each
// for another resource. Errors are *[DocumentError]; in an array their paths
// start with the document's index.
func ParseAll(data []byte, now time.Time) ([]Document, error) {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '[' {
		d, err := Parse(data, now)
		if err != nil {
			return nil, err
		}
		return []Document{d}, nil
	}
	if len(data) > MaxDocuments*MaxDocumentBytes {
		return nil, refuse("", "is longer than %d bytes", MaxDocuments*MaxDocumentBytes)
	}
	var raw []jsontext.Value
	if err := decode(data, &raw); err != nil {
		return nil, err
	}
	if len(raw) == 0 || len(raw) > MaxDocuments {
		return nil, refuse("", "must be 1 to %d documents, not %d", MaxDocuments, len(raw))
	}
	return parseEach(raw, now)
}

func parseEach(raw []jsontext.Value, now time.Time) ([]Document, error) {
	all := make([]Document, 0, len(raw))
	for i, value := range raw {
		at := fmt.Sprintf("[%d]", i)
		d, err := Parse(value, now)
		if err != nil {
			return nil, under(at, err)
		}
		for _, other := range all {
			if other.Resource == d.Resource {
				return nil, refuse(at+".resource", "%s already has a document", d.Resource)
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// document turns what was given into a document; Validate judges the rest.
func (g given) document(now time.Time) (Document, error) {
	expires, err := g.expiry(now)
	if err != nil {
		return Document{}, err
	}
	for _, m := range []struct {
		path  string
		value *int64
	}{
		{"max_output_tokens", g.MaxOutputTokens},
		{"max_body_bytes", g.MaxBodyBytes},
		{"concurrency", g.Concurrency},
	} {
		if m.value != nil {
			if err := amount(m.path, *m.value); err != nil {
				return Document{}, err
			}
		}
	}
	limits, err := g.limits()
	if err != nil {
		return Document{}, err
	}
	notBefore, err := instant("not_before", g.NotBefore)
	if err != nil {
		return Document{}, err
	}
	tools, err := access("tools", g.Tools)
	if err != nil {
		return Document{}, err
	}
	streaming, err := access("streaming", g.Streaming)
	if err != nil {
		return Document{}, err
	}
	return Document{
		Resource: g.Resource, Actions: g.Actions,
		NotBefore: notBefore, ExpiresAt: expires,
		Models: g.Models, DenyModels: g.DenyModels,
		MaxOutputTokens: value(g.MaxOutputTokens), MaxBodyBytes: value(g.MaxBodyBytes),
		Tools: tools, Streaming: streaming,
		Limits: limits, Concurrency: int(value(g.Concurrency)),
	}, nil
}

func (g given) limits() ([]Limit, error) {
	if g.Limits == nil {
		return nil, nil
	}
	limits := make([]Limit, 0, len(g.Limits))
	for i, l := range g.Limits {
		at := fmt.Sprintf("limits[%d]", i)
		if l.Requests != nil {
			if err := amount(at+".requests", *l.Requests); err != nil {
				return nil, err
			}
		}
		if l.Model != nil && *l.Model == "" {
			return nil, refuse(at+".model", "must not be empty; leave it out to count every model")
		}
		limits = append(limits, Limit{Per: l.Per, Model: value(l.Model), Requests: value(l.Requests)})
	}
	return limits, nil
}

func access(path string, a *Access) (Access, error) {
	if a != nil && *a == "" {
		return "", refuse(path, `must be "allow" or "deny"`)
	}
	return value(a), nil
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// decode reads exactly one JSON value into the shape of to: no duplicate
// name, no unknown member, no null, no trailing data.
func decode(data []byte, to any) error {
	if err := json.Unmarshal(data, to, json.RejectUnknownMembers(true)); err != nil {
		return explain(err)
	}
	// A null would be read as absent, and absent does not restrict.
	tokens := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		token, err := tokens.ReadToken()
		if err != nil {
			return nil // the end: the value as a whole has been read above
		}
		if token.Kind() == jsontext.KindNull {
			return refuse(path(tokens.StackPointer()), "must not be null; leave the member out instead")
		}
	}
}

// under puts a document's place before the path of its error.
func under(at string, err error) error {
	refused, ok := err.(*DocumentError)
	if !ok {
		return err
	}
	if refused.Path != "" && !strings.HasPrefix(refused.Path, "[") {
		at += "."
	}
	return &DocumentError{Path: at + refused.Path, Problem: refused.Problem}
}
