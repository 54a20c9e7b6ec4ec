package openai

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const maxOutputTokens = 1_000_000_000 // far above any model's; keeps products in range

// capSpellings are the two names of the output cap, OpenAI's present one first.
// OpenAI itself obeys either but refuses both together; other servers obey
// one, the other, or both.
func capSpellings() []string { return []string{plugins.OutputCapNew, plugins.OutputCapOld} }

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

// chatCap edits the output cap of a chat, in the spelling the server reads: what
// [plugins.Manifest.SpellsOutputCap] says.
type chatCap struct {
	body  *plugins.Object
	known *plugins.Vocabulary
	spell string
}

// names are the spellings that are written where there is a cap.
func (c *chatCap) names() []string {
	switch c.spell {
	case plugins.OutputCapBoth:
		return capSpellings()
	case plugins.OutputCapOld:
		return []string{plugins.OutputCapOld}
	}
	return []string{plugins.OutputCapNew}
}

// settle gives the cap the client asked for the names that the server reads, and
// takes out those it does not: there they are ignored, or an error.
func (c *chatCap) settle() error {
	asked, err := readOutputCap(c.body)
	if err != nil || c.spell == plugins.OutputCapEither {
		return err
	}
	if asked > 0 {
		if err := write(c.body, asked, c.names()); err != nil {
			return err
		}
	}
	for _, name := range capSpellings() {
		if !slices.Contains(c.names(), name) {
			c.body.Remove(name)
		}
	}
	return nil
}

// write adds the cap by each of the names that the body does not have.
func write(body *plugins.Object, tokens int64, names []string) error {
	value := decimal(tokens)
	for _, name := range names {
		_, given, err := body.Int(name, maxOutputTokens)
		if err == nil && !given {
			err = body.Set(name, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func decimal(n int64) jsontext.Value { return strconv.AppendInt(nil, n, 10) }

// lower lowers each cap that is there, or adds one. It never raises a cap.
func (c *chatCap) lower(data []byte, limit int64) ([]byte, error) {
	body, err := c.body.Reread(data, c.known)
	if err != nil {
		return nil, err
	}
	capped := false
	for _, name := range capSpellings() {
		asked, ok, err := body.Int(name, maxOutputTokens)
		if err != nil {
			return nil, err
		}
		capped = capped || ok
		if asked > limit {
			if err := body.Set(name, decimal(limit)); err != nil {
				return nil, err
			}
		}
	}
	if !capped {
		if err := write(body, limit, c.names()); err != nil {
			return nil, err
		}
	}
	c.body = body
	return body.Bytes(), nil
}

// both writes the output cap in both spellings, for a server that is not the
// manifest's. A body without any cap stays as it is.
func (c *chatCap) both(data []byte) ([]byte, error) {
	body, err := c.body.Reread(data, c.known)
	if err != nil {
		return nil, err
	}
	asked, err := readOutputCap(body)
	if err != nil || asked == 0 {
		return data, err
	}
	if err := write(body, asked, capSpellings()); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}
