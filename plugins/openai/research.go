package openai

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// researches reports whether a model is known by its name to look things up by
// itself, with tools nobody asked for: what it reads and writes on the way is
// billed and never seen.
func researches(model string) bool {
	name := strings.ToLower(model)
	bare := name[strings.LastIndexByte(name, '/')+1:]
	return strings.Contains(name, "deep-research") || strings.Contains(name, "-search-preview") || strings.Contains(name, "-search-api") ||
		strings.HasSuffix(bare, "-search") || strings.HasSuffix(name, ":online") ||
		strings.HasPrefix(bare, "compound") // Groq's
}

// paints reports whether a model is known by its name to answer with pictures or
// sound, which come in large pieces.
func paints(model string) bool {
	words := strings.FieldsFunc(strings.ToLower(model), func(r rune) bool { return strings.ContainsRune("-/.:", r) })
	return slices.ContainsFunc(words, func(w string) bool { return w == "image" || w == "audio" || w == "tts" })
}

// atOnce reports whether a stream of the chat does not show all of the output as
// it is made: there are pictures or sound in it, parts of a prediction that were
// not used, or thoughts that are kept back.
func atOnce(body *plugins.Object, model string) bool {
	return researches(model) || paints(model) || strings.HasSuffix(model, ":thinking") ||
		given(body, "prediction") || given(body, "audio") || otherThanText(body) || hidesThoughts(body)
}

// otherThanText reports whether modalities are asked for besides text.
func otherThanText(body *plugins.Object) bool {
	value, _ := body.Value("modalities")
	var asked []string
	if !given(body, "modalities") || json.Unmarshal(value, &asked) != nil {
		return given(body, "modalities")
	}
	return slices.ContainsFunc(asked, func(m string) bool { return m != "text" })
}

// hidesThoughts reports whether the provider is told, in one of the ways there
// are, to leave out of the answer what the model thinks.
func hidesThoughts(body *plugins.Object) bool {
	shown, _ := body.Value("include_reasoning")
	form, _ := body.Value("reasoning_format")
	var reasoning struct {
		Exclude jsontext.Value `json:"exclude"`
	}
	value, _ := body.Value("reasoning")
	excluded := value.Kind() == '{' && (!lenient(value, &reasoning) || reasoning.Exclude.Kind() == 't')
	return excluded || shown.Kind() == 'f' || string(form) == `"hidden"`
}
