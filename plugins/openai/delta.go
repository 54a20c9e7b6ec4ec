package openai

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
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

// silent says that no model writes what is in such a member of a piece of
// output: labels, ids, sources, and what is sealed.
func silent(name []byte) bool {
	switch string(name) {
	case "role", "type", "id", "call_id", "index", "object", "format", "signature", "status",
		"annotations", "citations", "search_results", "encrypted_content", "expires_at":
		return true
	}
	return false
}

// outputSum estimates the output tokens in pieces of JSON.
type outputSum struct {
	text   *tokenizer.Sum
	other  int64 // of speech and images
	cursor plugins.Cursor
	buf    []byte
}

func newOutputSum(model string) *outputSum { return &outputSum{text: tokenizer.NewSum(model)} }

func (s *outputSum) total() int64 { return s.text.Total() + s.other }

// add counts a delta, or a whole item of output, of which is known that it is
// legible: every text in it that a model may have written, speech and images.
func (s *outputSum) add(value jsontext.Value) {
	s.cursor = plugins.NewCursor(value)
	s.value(nil)
}

// value reads the value that comes next, which is called name.
func (s *outputSum) value(name []byte) {
	switch s.cursor.Kind() {
	case '{':
		s.members()
	case '[':
		for s.cursor.Enter(); s.cursor.More(); {
			s.value(name)
		}
	case '"':
		s.leaf(name, s.cursor.Value())
	default:
		s.cursor.Value()
	}
}

func (s *outputSum) members() {
	thought := false
	for s.cursor.Enter(); s.cursor.More(); {
		name := s.cursor.Name()
		// OpenRouter sends reasoning a second time, in parts.
		if silent(name) || thought && string(name) == "reasoning_details" {
			s.cursor.Value()
			continue
		}
		before := s.text.Total()
		s.value(name)
		thought = thought || string(name) == "reasoning" && s.text.Total() > before
	}
}

// leaf counts one text. What is base64 is counted by its length: speech under
// "data"; images, under their usual names, one by one.
func (s *outputSum) leaf(name []byte, value jsontext.Value) {
	switch string(name) {
	case "data":
		s.speech(value, audioDelta)
	case "b64_json", "url", "result", "partial_image_b64":
		if len(value) > len(`""`) {
			s.other += imageOutput
		}
	default:
		var err error
		s.buf, err = jsontext.AppendUnquote(s.buf[:0], value)
		if err != nil && len(s.buf) == 0 {
			s.buf = append(s.buf, value...)
		}
		s.text.Add(string(s.buf))
	}
}

// speech counts a text in base64, of which so many characters carry a token.
func (s *outputSum) speech(value jsontext.Value, perToken int64) {
	if n := int64(len(value) - len(`""`)); n > 0 {
		s.other += (n + perToken - 1) / perToken
	}
}
