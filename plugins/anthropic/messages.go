package anthropic

import (
	"fmt"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

const maxModelName = 256 // bytes

// state is what the meter must know of the request.
type state struct {
	output bool // the action has output tokens
	hour   bool // some of the input may be cached for an hour
	silent bool // no output is asked for, the cache is to be filled
}

func (p *Provider) describeMessages(req plugins.Request, call *plugins.Call) error {
	body, err := p.readBody(req, p.messages)
	if err != nil {
		return err
	}
	if call.Facts.Stream, _, err = body.Bool("stream"); err != nil {
		return err
	}
	if call.Facts.OutputTokens, err = readOutputCap(body); err != nil {
		return err
	}
	call.Facts.Choices = 1
	if err := describePrompt(body, call); err != nil {
		return err
	}
	s := state{output: true, hour: asksForAnHour(body)}
	if s.hour {
		call.Facts.InputTokens += dearer(call.Facts.InputTokens)
	}
	if asked, _ := body.Value("max_tokens"); string(asked) == "0" {
		s.silent = true
	}
	call.CapOutput, call.State = capMessages, s
	return nil
}

// describeCount describes a request that only asks how long its input is.
// Counting is free: the request has input, but none of it is spent.
func (p *Provider) describeCount(req plugins.Request, call *plugins.Call) error {
	body, err := p.readBody(req, p.counts)
	if err != nil {
		return err
	}
	if err := describePrompt(body, call); err != nil {
		return err
	}
	call.Facts.InputTokens, call.Facts.InputUnknown = 0, false
	return nil
}

func (p *Provider) readBody(req plugins.Request, known *plugins.Vocabulary) (*plugins.Object, error) {
	// Anthropic's own SDKs add beta=true to some paths, where the header says the same.
	if err := plugins.CheckNoQuery(req.RawQuery, p.decisive...); err != nil {
		return nil, err
	}
	if err := plugins.CheckPlainJSON(req.Header); err != nil {
		return nil, err
	}
	return known.Parse(req.Body)
}

// describePrompt reads what both kinds of request have.
func describePrompt(body *plugins.Object, call *plugins.Call) error {
	var err error
	if call.Facts.Model, err = readModel(body); err != nil {
		return err
	}
	if _, _, err := readThinking(body); err != nil {
		return err
	}
	if err := checkPrice(body); err != nil {
		return err
	}
	if err := checkContextManagement(body); err != nil {
		return err
	}
	in := input{tokens: int64(len(body.Bytes()))}
	if call.Facts.Tools, err = in.readTools(body); err != nil {
		return err
	}
	if err := in.readPrompt(body); err != nil {
		return err
	}
	call.Facts.InputTokens, call.Facts.InputUnknown = in.tokens, in.unknown
	call.Header.Set("Content-Type", "application/json")
	call.Body = body.Bytes()
	return nil
}

// readModel refuses names with spaces or other than printable ASCII: a provider
// that trims or normalises them would serve a model the policy never saw.
func readModel(body *plugins.Object) (string, error) {
	model, ok, err := body.String("model")
	if err != nil {
		return "", err
	}
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if !ok || model == "" || len(model) > maxModelName || strings.ContainsFunc(model, odd) {
		return "", plugins.Invalid("model", fmt.Sprintf("model must be a name of 1 to %d printable characters without spaces", maxModelName))
	}
	return model, nil
}
