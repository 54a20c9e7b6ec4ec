package openai

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// describeResponse reads a request for a response. What an earlier response, a
// conversation or a stored prompt adds to the input is unknown; a prompt may
// bring tools too.
func (p *Provider) describeResponse(body *plugins.Object, call *plugins.Call) error {
	facts := &call.Facts
	facts.Choices = 1
	var err error
	if facts.Model, err = readModel(body); err != nil {
		return err
	}
	if facts.Stream, _, err = body.Bool("stream"); err != nil {
		return err
	}
	if facts.OutputTokens, _, err = body.Int("max_output_tokens", maxOutputTokens); err != nil {
		return err
	}
	if err := checkTier(body, p.manifest.ID); err != nil {
		return err
	}
	if err := checkForeground(body); err != nil {
		return err
	}
	tools, err := readTools(body)
	if err != nil {
		return err
	}
	tools.hosted = tools.hosted || researches(facts.Model)
	facts.OutputAtOnce = facts.Stream && (researches(facts.Model) || paints(facts.Model))
	in := readInput(body, facts.Model, "input", "instructions")
	facts.Tools = tools.any || tools.hosted || given(body, "prompt")
	facts.InputTokens = in.bound(body)
	facts.InputUnknown = in.unknown || tools.hosted ||
		given(body, "prompt") || given(body, "previous_response_id") || given(body, "conversation")
	call.CountInput = in.counter(body.Bytes())
	call.CapOutput = func(data []byte, limit int64) ([]byte, error) { return capResponse(p.bodies[Responses], data, limit) }
	call.State = note{action: Responses, model: facts.Model, choices: 1}
	return nil
}

// checkForeground refuses work in the background: it goes on when the answer is
// over, and what it costs is told only to those who ask later.
func checkForeground(body *plugins.Object) error {
	background, _, err := body.Bool("background")
	if err == nil && background {
		err = plugins.Invalid("background", "background must be false: what a response costs that goes on by itself cannot be counted")
	}
	return err
}

// given reports whether the member is there and not null.
func given(body *plugins.Object, name string) bool {
	value, ok := body.Value(name)
	return ok && value.Kind() != 'n'
}

// capResponse lowers the output cap, or adds one. It never raises it.
func capResponse(known *plugins.Vocabulary, data []byte, limit int64) ([]byte, error) {
	body, err := known.Parse(data)
	if err != nil {
		return nil, err
	}
	asked, ok, err := body.Int("max_output_tokens", maxOutputTokens)
	if err != nil || ok && asked <= limit {
		return data, err
	}
	if err := body.Set("max_output_tokens", jsontext.Value(strconv.FormatInt(limit, 10))); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}
