package gemini

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const (
	maxOutputTokens = 1<<31 - 1 // the member has 32 bits
	maxChoices      = 8         // Google's own bound of candidateCount
)

// state is what the meter must know of the request.
type state struct {
	output  bool // the action has output tokens
	choices int64
}

// generateMembers are the members of a request to generate.
func generateMembers() []string {
	return []string{
		"cachedContent", "contents", "continuationToken", "generationConfig", "labels", "model", "safetySettings",
		"serviceTier", "store", "systemInstruction", "toolConfig", "tools",
	}
}

// configMembers are those of a generationConfig that are forwarded: all that
// Google documents for this API. Not among them are routingConfig and
// modelConfig, by which Google chooses the model.
func configMembers() []string {
	return []string{
		"audioTranscriptionConfig", "candidateCount", "enableEnhancedCivicAnswers", "frequencyPenalty", "imageConfig",
		"logprobs", "maxOutputTokens", "mediaResolution", "presencePenalty", "responseFormat", "responseJsonSchema",
		"_responseJsonSchema", "responseLogprobs", "responseMimeType", "responseModalities", "responseSchema", "seed",
		"speechConfig", "stopSequences", "temperature", "thinkingConfig", "topK", "topP", "translationConfig",
	}
}

func describeGenerate(data []byte, call *plugins.Call) error {
	m, err := parseMessage(data, "", generateMembers())
	if err != nil {
		return err
	}
	if err := checkModel(m, call.Facts.Model); err != nil {
		return err
	}
	if err := checkTier(m); err != nil {
		return err
	}
	config, err := m.inner("generationConfig", configMembers())
	if err != nil {
		return err
	}
	if err := readConfig(config, &call.Facts); err != nil {
		return err
	}
	in := input{tokens: int64(len(data))}
	if call.Facts.Tools, err = in.readTools(m); err != nil {
		return err
	}
	if err := in.readPrompt(m); err != nil {
		return err
	}
	call.Facts.InputTokens, call.Facts.InputUnknown = in.tokens, in.unknown
	call.Facts.Stream = call.Facts.Action == StreamGenerateContent
	call.Facts.OutputAtOnce = call.Facts.Stream && paints(call.Facts.Model, config)
	call.CapOutput = capGenerate
	call.State = state{output: true, choices: call.Facts.Choices}
	return nil
}

// checkModel refuses a body that names another model than the path.
func checkModel(m *message, model string) error {
	if _, given := m.object.Value("model"); !given {
		return nil
	}
	named, _, err := m.object.String("model")
	if err != nil {
		return err
	}
	if strings.TrimPrefix(named, "models/") != model {
		return plugins.Invalid("model", "the model in the body must be the one in the path")
	}
	return nil
}

// checkTier refuses tiers that cost more than the price of the model says.
func checkTier(m *message) error {
	name := m.written("serviceTier")
	tier, given, err := m.object.String(name)
	if err != nil || !given {
		return err
	}
	switch strings.TrimPrefix(strings.ToLower(tier), "service_tier_") {
	case "", "unspecified", "standard", "flex":
		return nil
	}
	return plugins.Invalid(name, "a service tier other than \"standard\" and \"flex\" has a price of its own, which the gateway does not know; leave it out")
}

func readConfig(config *message, facts *plugins.Facts) error {
	facts.Choices = 1
	if config == nil {
		return nil
	}
	n, given, err := config.object.Int(config.written("candidateCount"), maxChoices)
	if err != nil {
		return err
	}
	if given {
		facts.Choices = n
	}
	facts.OutputTokens, _, err = config.object.Int(config.written("maxOutputTokens"), maxOutputTokens)
	return err
}

// capGenerate lowers the output cap in the client's own spelling, or adds one.
// It never raises a cap.
func capGenerate(data []byte, limit int64) ([]byte, error) {
	m, err := parseMessage(data, "", generateMembers())
	if err != nil {
		return nil, err
	}
	value := jsontext.Value(strconv.FormatInt(min(limit, maxOutputTokens), 10))
	config, err := m.inner("generationConfig", configMembers())
	if err != nil {
		return nil, err
	}
	if config == nil {
		err = m.object.Set(m.written("generationConfig"), jsontext.Value(`{"maxOutputTokens":`+string(value)+`}`))
		return m.object.Bytes(), err
	}
	name := config.written("maxOutputTokens")
	asked, _, err := config.object.Int(name, maxOutputTokens)
	if err != nil || asked != 0 && asked <= limit {
		return data, err
	}
	if err := config.object.Set(name, value); err != nil {
		return nil, err
	}
	err = m.object.Set(m.written("generationConfig"), config.object.Bytes())
	return m.object.Bytes(), err
}
