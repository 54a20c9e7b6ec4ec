package openai

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const (
	maxModelName    = 256           // bytes
	maxChoices      = 128           // OpenAI's own bound for n
	maxOutputTokens = 1_000_000_000 // far above any model's; keeps products in range
)

// decisive are the members the dialect reads facts from.
func decisive() []string {
	return []string{
		"model", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens",
		"tools", "functions", "web_search_options", "search_parameters", "plugins",
	}
}

// diverting are members OpenAI does not have, by which relaying servers accept
// another model, another host or another key than the request seems to name.
func diverting() []string {
	return []string{
		"models", "model_list", "model_name", "engine", "deployment_id", "fallbacks",
		"api_base", "api_key", "base_url", "custom_llm_provider",
		"extra_body", "extra_headers", "extra_query",
	}
}

func critical() []string { return slices.Concat(decisive(), diverting()) }

// chatState is what the meter must know of the request.
type chatState struct {
	dropUsage bool // the usage chunk is ours, not the client's
}

func describeChat(req plugins.Request, call *plugins.Call) error {
	if err := checkEncoding(req.Header); err != nil {
		return err
	}
	body, err := plugins.ParseObject(req.Body, critical()...)
	if err != nil {
		return err
	}
	for _, name := range diverting() {
		if _, ok := body.Value(name); ok {
			return plugins.Invalid(name, name+" is not accepted by the gateway")
		}
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
	call.CapOutput = capChat
	call.State = chatState{dropUsage: call.Facts.Stream && !asked}
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

// readOutputCap takes the larger when both spellings are present: servers differ
// in which one they obey, and a policy must hold for either.
func readOutputCap(body *plugins.Object) (int64, error) {
	var asked int64
	for _, name := range []string{"max_completion_tokens", "max_tokens"} {
		n, _, err := body.Int(name, maxOutputTokens)
		if err != nil {
			return 0, err
		}
		asked = max(asked, n)
	}
	return asked, nil
}

// readTools counts search that the provider runs itself as a tool.
func readTools(body *plugins.Object) (bool, error) {
	tools := false
	for _, name := range []string{"tools", "functions", "plugins"} {
		n, _, err := body.Len(name)
		if err != nil {
			return false, err
		}
		tools = tools || n > 0
	}
	for _, name := range []string{"web_search_options", "search_parameters"} {
		if value, ok := body.Value(name); ok && value.Kind() != 'n' {
			tools = true
		}
	}
	return tools, nil
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

// capChat lowers each cap the client gave, in the client's own spelling, or adds
// one. It never raises a cap.
func capChat(data []byte, limit int64) ([]byte, error) {
	body, err := plugins.ParseObject(data, critical()...)
	if err != nil {
		return nil, err
	}
	value := jsontext.Value(strconv.FormatInt(limit, 10))
	capped := false
	for _, name := range []string{"max_completion_tokens", "max_tokens"} {
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
	return body.Bytes(), nil
}
