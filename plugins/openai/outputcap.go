package openai

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const maxOutputTokens = 1_000_000_000 // far above any model's; keeps products in range

// capSpellings are the two names of the output cap, OpenAI's present one first.
// OpenAI itself obeys either but refuses both together; other servers obey
// one, the other, or both.
func capSpellings() []string { return []string{"max_completion_tokens", "max_tokens"} }

// readOutputCap takes the larger when both spellings are present: servers differ
// in which one they obey, and a policy must hold for either.
func readOutputCap(body *plugins.Object) (int64, error) {
	var asked int64
	for _, name := range capSpellings() {
		n, _, err := body.Int(name, maxOutputTokens)
		if err != nil {
			return 0, err
		}
		asked = max(asked, n)
	}
	return asked, nil
}

// chatCap edits the output cap of a chat.
type chatCap struct{ body *plugins.Object }

// lower lowers each cap the client gave, in the client's own spelling, or adds
// one. It never raises a cap.
func (c *chatCap) lower(data []byte, limit int64) ([]byte, error) {
	body, err := c.body.Reread(data, critical()...)
	if err != nil {
		return nil, err
	}
	value := jsontext.Value(strconv.FormatInt(limit, 10))
	capped := false
	for _, name := range capSpellings() {
		asked, ok, err := body.Int(name, maxOutputTokens)
		if err != nil {
			return nil, err
		}
		capped = capped || ok
		if asked > limit {
			if err := body.Set(name, value); err != nil {
				return nil, err
			}
		}
	}
	if !capped {
		if err := body.Set("max_completion_tokens", value); err != nil {
			return nil, err
		}
	}
	c.body = body
	return body.Bytes(), nil
}

// spell writes the output cap in both spellings, so that a server which knows
// only one of them obeys it. A body without any cap stays as it is.
func (c *chatCap) spell(data []byte) ([]byte, error) {
	body, err := c.body.Reread(data, critical()...)
	if err != nil {
		return nil, err
	}
	asked, err := readOutputCap(body)
	if err != nil || asked == 0 {
		return data, err
	}
	for _, name := range capSpellings() {
		_, given, err := body.Int(name, maxOutputTokens)
		if err == nil && !given {
			err = body.Set(name, jsontext.Value(strconv.FormatInt(asked, 10)))
		}
		if err != nil {
			return nil, err
		}
	}
	return body.Bytes(), nil
}
