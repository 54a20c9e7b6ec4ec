package gemini

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// paints reports whether an answer may have pictures or sound in it, which come
// in large pieces: the model is known for them by its name, or they are asked for.
func paints(model string, config *message) bool {
	words := strings.FieldsFunc(strings.ToLower(model), func(r rune) bool { return r == '-' || r == '.' || r == '_' })
	for _, word := range []string{"image", "tts", "audio", "live"} {
		if slices.Contains(words, word) {
			return true
		}
	}
	if config == nil {
		return false
	}
	if _, spoken := config.value("speechConfig"); spoken {
		return true
	}
	value, asked := config.value("responseModalities")
	return asked && !onlyText(value)
}

// onlyText reports whether modalities are text alone, or none; Google also reads
// the numbers of its protocol buffer, of which text has 1.
func onlyText(value jsontext.Value) bool {
	var modalities []jsontext.Value
	if json.Unmarshal(list(value), &modalities) != nil {
		return false
	}
	return !slices.ContainsFunc(modalities, func(m jsontext.Value) bool {
		return !strings.EqualFold(string(m), `"text"`) && string(m) != "1"
	})
}
