package openai

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// audioDelta is how many characters of base64 carry one token of speech in a
	// stream: twenty tokens to a second of 16 bit samples at 24 kHz, the only
	// format there.
	audioDelta = 3200
	// imageOutput is what an image counts that comes without a report: what OpenAI
	// charges for a square one in high quality, rounded up.
	imageOutput = 4200
	// partialImage is what OpenAI charges for each preview of an image.
	partialImage = 100
)

// silent are the members of a piece of output that no model writes: labels, ids,
// sources, and the same text once more.
func silent() []string {
	return []string{
		"role", "type", "id", "call_id", "index", "object", "format", "signature", "status",
		"annotations", "citations", "search_results", "encrypted_content", "expires_at",
	}
}

// deltaReader estimates the output tokens in pieces of JSON.
type deltaReader struct {
	count func(string) int64
	dec   *jsontext.Decoder
	text  []byte
}

func newDeltaReader(count func(string) int64) *deltaReader {
	return &deltaReader{count: count, dec: jsontext.NewDecoder(new(bytes.Buffer))}
}

// words is the tokens of a text; one with anything in it is a token at least.
func (d *deltaReader) words(text string) int64 {
	if text == "" {
		return 0
	}
	return max(d.count(text), 1)
}

// piece estimates the tokens of a delta, or of a whole item of output: those of
// every text in it that a model may have written, of speech and of images.
func (d *deltaReader) piece(value jsontext.Value) int64 {
	if len(value) == 0 || value.Kind() == 'n' {
		return 0
	}
	d.dec.Reset(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	n, err := d.value("")
	if err != nil {
		return n + d.words(string(value))
	}
	return n
}

// value reads the value that comes next, which is called name.
func (d *deltaReader) value(name string) (int64, error) {
	switch d.dec.PeekKind() {
	case '{', '[':
		return d.members(name)
	case '"':
		return d.leaf(name)
	default:
		return 0, d.dec.SkipValue()
	}
}

func (d *deltaReader) members(name string) (sum int64, err error) {
	open, err := d.dec.ReadToken()
	if err != nil {
		return 0, err
	}
	thought := false // its reasoning has been counted as a text
	for {
		switch d.dec.PeekKind() {
		case '}', ']', 0:
			_, err := d.dec.ReadToken()
			return sum, err
		}
		inner := name
		if open.Kind() == '{' {
			token, err := d.dec.ReadToken()
			if err != nil {
				return sum, err
			}
			inner = token.String()
		}
		skip := open.Kind() == '{' && (slices.Contains(silent(), inner) || inner == "reasoning_details" && thought)
		if skip {
			if err := d.dec.SkipValue(); err != nil {
				return sum, err
			}
			continue
		}
		n, err := d.value(inner)
		if sum += n; err != nil {
			return sum, err
		}
		thought = thought || inner == "reasoning" && n > 0
	}
}

// leaf counts one text. What is base64 is counted by its length: speech under
// "data", images under their usual names.
func (d *deltaReader) leaf(name string) (int64, error) {
	value, err := d.dec.ReadValue()
	if err != nil {
		return 0, err
	}
	switch name {
	case "data":
		return (int64(len(value)) - 2 + audioDelta - 1) / audioDelta, nil
	case "b64_json", "url", "result", "partial_image_b64":
		if len(value) > 2 {
			return imageOutput, nil
		}
		return 0, nil
	}
	d.text, err = jsontext.AppendUnquote(d.text[:0], value)
	if err != nil && len(d.text) == 0 {
		return d.words(string(value)), nil
	}
	return d.words(string(d.text)), nil
}
