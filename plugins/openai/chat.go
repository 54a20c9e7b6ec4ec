package openai

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const maxChoices = 128 // OpenAI's own bound for n

func (p *Provider) describeChat(body *plugins.Object, call *plugins.Call) error {
	facts := &call.Facts
	caps := &chatCap{body: body, known: p.bodies[ChatCompletions], spell: p.spell}
	if err := caps.settle(); err != nil {
		return err
	}
	if err := readChat(body, facts, p.manifest.ID); err != nil {
		return err
	}
	tools, err := readTools(body)
	if err != nil {
		return err
	}
	search, ok := body.Value("web_search_options")
	tools.hosted = tools.hosted || ok && search.Kind() != 'n' || researches(facts.Model)
	facts.Tools = tools.any || tools.hosted
	facts.OutputAtOnce = facts.Stream && atOnce(body, facts.Model)
	in := readInput(body, facts.Model, "messages")
	facts.InputTokens, facts.InputUnknown = in.bound(body), in.unknown || tools.hosted
	call.CountInput = in.counter(body.Bytes())
	asked, err := setUsage(body, facts.Stream)
	if err != nil {
		return err
	}
	call.CapOutput, call.SpellOutput = caps.lower, caps.both
	call.State = note{
		action: ChatCompletions, model: facts.Model, choices: facts.Choices,
		dropUsage: facts.Stream && !asked,
	}
	return nil
}

func readChat(body *plugins.Object, facts *plugins.Facts, provider string) error {
	var err error
	if facts.Model, err = readModel(body); err != nil {
		return err
	}
	if facts.Stream, _, err = body.Bool("stream"); err != nil {
		return err
	}
	if facts.Choices, err = readChoices(body, maxChoices); err != nil {
		return err
	}
	if facts.OutputTokens, err = readOutputCap(body); err != nil {
		return err
	}
	return checkTier(body, provider)
}

func readChoices(body *plugins.Object, most int64) (int64, error) {
	n, ok, err := body.Int("n", most)
	if !ok {
		n = 1
	}
	return n, err
}

// setUsage makes a stream report its usage and says whether the client had asked
// for that. The other stream options stay as they are.
func setUsage(body *plugins.Object, stream bool) (asked bool, err error) {
	options, given, err := body.Object("stream_options", "include_usage")
	if err != nil || !stream {
		return false, err
	}
	if !given {
		return false, body.Set("stream_options", jsontext.Value(`{"include_usage":true}`))
	}
	asked, _, err = options.Bool("include_usage")
	if err != nil || asked {
		return asked, err
	}
	if err := options.Set("include_usage", jsontext.Value("true")); err != nil {
		return false, err
	}
	return false, body.Set("stream_options", options.Bytes())
}
