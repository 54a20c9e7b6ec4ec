package openai

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins/tokenizer"
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
// sources, and what is sealed.
func silent() []string {
	return []string{
		"role", "type", "id", "call_id", "index", "object", "format", "signature", "status",
		"annotations", "citations", "search_results", "encrypted_content", "expires_at",
	}
}

// outputSum estimates the output tokens in pieces of JSON.
type outputSum struct {
	text  *tokenizer.Sum
	other int64 // of speech and images
	dec   *jsontext.Decoder
	buf   []byte
}

func newOutputSum(model string) *outputSum {
	return &outputSum{text: tokenizer.NewSum(model), dec: jsontext.NewDecoder(new(bytes.Buffer))}
}

func (s *outputSum) total() int64 { return s.text.Total() + s.other }

// add counts a delta, or a whole item of output: every text in it that a model
// may have written, speech and images. What cannot be read counts as text.
func (s *outputSum) add(value jsontext.Value) {
	if len(value) == 0 || value.Kind() == 'n' {
		return
	}
	s.dec.Reset(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := s.value(""); err != nil {
		s.text.Add(string(value))
	}
}

// value reads the value that comes next, which is called name.
func (s *outputSum) value(name string) error {
	switch s.dec.PeekKind() {
	case '{', '[':
		return s.members(name)
	case '"':
		return s.leaf(name)
	}
	return s.dec.SkipValue()
}

func (s *outputSum) members(name string) error {
	open, err := s.dec.ReadToken()
	if err != nil {
		return err
	}
	isObject, thought := open.Kind() == '{', false
	for {
		switch s.dec.PeekKind() {
		case '}', ']', 0:
			_, err := s.dec.ReadToken()
			return err
		}
		inner := name
		if isObject {
			token, err := s.dec.ReadToken()
			if err != nil {
				return err
			}
			inner = token.String()
		}
		// OpenRouter sends reasoning a second time, in parts.
		if isObject && (slices.Contains(silent(), inner) || inner == "reasoning_details" && thought) {
			err = s.dec.SkipValue()
		} else {
			before := s.text.Total()
			err = s.value(inner)
			thought = thought || inner == "reasoning" && s.text.Total() > before
		}
		if err != nil {
			return err
		}
	}
}

// leaf counts one text. What is base64 is counted by its length: speech under
// "data"; images, under their usual names, one by one.
func (s *outputSum) leaf(name string) error {
	value, err := s.dec.ReadValue()
	if err != nil {
		return err
	}
	switch name {
	case "data":
		s.speech(value, audioDelta)
	case "b64_json", "url", "result", "partial_image_b64":
		if len(value) > len(`""`) {
			s.other += imageOutput
		}
	default:
		s.buf, err = jsontext.AppendUnquote(s.buf[:0], value)
		if err != nil && len(s.buf) == 0 {
			s.buf = append(s.buf, value...)
		}
		s.text.Add(string(s.buf))
	}
	return nil
}

// speech counts a text in base64, of which so many characters carry a token.
func (s *outputSum) speech(value jsontext.Value, perToken int64) {
	if n := int64(len(value) - len(`""`)); n > 0 {
		s.other += (n + perToken - 1) / perToken
	}
}
