package openai

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const (
	maxModelName = 256 // bytes
	maxChoices   = 128 // OpenAI's own bound for n
)

func describeChat(req plugins.Request, call *plugins.Call) error {
	if err := checkEncoding(req.Header); err != nil {
		return err
	}
	body, err := plugins.ParseObject(req.Body, critical()...)
	if err != nil {
		return err
	}
	if err := checkMembers(body); err != nil {
		return err
	}
	if err := readFacts(body, &call.Facts); err != nil {
		return err
	}
	asked, err := setUsage(body, call.Facts.Stream)
	if err != nil {
		return err
	}
	call.Header.Set("Content-Type", "application/json")
	call.Body = body.Bytes()
	call.CapOutput, call.SpellOutput = capChat, spellChat
	call.State = note{
		action: ChatCompletions, model: call.Facts.Model, choices: call.Facts.Choices,
		dropUsage: call.Facts.Stream && !asked,
	}
	return nil
}

func readFacts(body *plugins.Object, facts *plugins.Facts) error {
	var err error
	if facts.Model, err = readModel(body); err != nil {
		return err
	}
	if facts.Stream, _, err = body.Bool("stream"); err != nil {
		return err
	}
	if facts.Choices, err = readChoices(body); err != nil {
		return err
	}
	if facts.OutputTokens, err = readOutputCap(body); err != nil {
		return err
	}
	facts.Tools, err = readTools(body)
	return err
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

func readChoices(body *plugins.Object) (int64, error) {
	n, ok, err := body.Int("n", maxChoices)
	if !ok {
		n = 1
	}
	return n, err
}

// readTools counts search that the provider runs itself as a tool.
func readTools(body *plugins.Object) (bool, error) {
	tools := false
	for _, name := range []string{"tools", "functions"} {
		n, _, err := body.Len(name)
		if err != nil {
			return false, err
		}
		tools = tools || n > 0
	}
	search, ok := body.Value("web_search_options")
	return tools || (ok && search.Kind() != 'n'), nil
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
