package policy

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Parse reads one document of at most [MaxDocumentBytes]. A relative
// expires_in ("24h", "30d", or whole seconds) is counted from now and kept as
// ExpiresAt; an expires_at that is not after now is refused, because nobody
// means to give a permission that is over. Errors are *[DocumentError].
func Parse(data []byte, now time.Time) (Document, error) {
	if len(data) > MaxDocumentBytes {
		return Document{}, refuse("", "is longer than %d bytes", MaxDocumentBytes)
	}
	var g given
	if err := decode(data, &g, aDocument); err != nil {
		return Document{}, err
	}
	d, err := g.document(now)
	if err != nil {
		return Document{}, err
	}
	if err := d.Validate(); err != nil {
		return Document{}, err
	}
	if !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now) {
		return Document{}, refuse("expires_at", "is in the past; give a later time")
	}
	return d, nil
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
	if err := decode(data, &raw, aDocument); err != nil {
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

const aDocument = "a policy document"

// decode reads exactly one JSON value into the shape of to: no duplicate
// name, no unknown member, no null, no trailing data.
func decode(data []byte, to any, what string) error {
	if err := json.Unmarshal(data, to, json.RejectUnknownMembers(true)); err != nil {
		return explain(err, what)
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
