package openai

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/tokenizer"
)

const (
	leanest = 8 // bytes of a body make a token at least, whatever a tokenizer says
	// predictionPrice is what an output token costs in input tokens, with the
	// models that take predictions.
	predictionPrice = 4
)

// unread are the members of a request of which a model reads nothing.
func unread() []string {
	return []string{
		"background", "dimensions", "encoding_format", "frequency_penalty", "include", "logit_bias", "logprobs",
		"max_completion_tokens", "max_output_tokens", "max_tokens", "max_tool_calls", "metadata", "min_p", "modalities", "model", "n",
		"parallel_tool_calls", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
		"repetition_penalty", "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options",
		"temperature", "top_k", "top_logprobs", "top_p", "truncation", "user",
	}
}

// labels are the names of members within the input that only say what is what.
func labels() []string {
	return []string{"role", "content", "type", "text", "image_url", "url", "detail", "input_audio", "data", "format"}
}

// counter counts with the model's tokenizer all of the body but what is known not
// to be read: the texts of the input, the names and numbers among them, and every
// other member as it stands.
func (in *input) counter(data []byte) func() int64 {
	return func() int64 {
		again := &input{model: in.model, reads: in.reads, text: new(strings.Builder)}
		body, err := plugins.ParseObject(data)
		if err != nil { // cannot happen: it has been parsed before
			return int64(len(data))
		}
		again.look(body)
		silent := append(unread(), in.reads...)
		for _, name := range body.Names() {
			if value, ok := body.Value(name); ok && !slices.Contains(silent, name) {
				again.add(string(value))
			}
		}
		count := tokenizer.For(in.model)
		tokens := count(again.text.String()) + again.numbers + again.items*perMessage + perRequest
		tokens = max(tokens, (int64(len(data))-again.left)/leanest)
		return min(in.bound(body), tokens+again.media+predicted(body, count))
	}
}

// predicted is what a prediction may cost besides being sent: what the model does
// not use of it is output, beyond the cap and never seen, and has the price of
// so much input.
func predicted(body *plugins.Object, count func(string) int64) int64 {
	if !given(body, "prediction") {
		return 0
	}
	value, _ := body.Value("prediction")
	return predictionPrice * count(string(value))
}

// collect takes in a text that is read.
func (in *input) collect(value jsontext.Value) {
	if in.text != nil {
		in.add(text(value))
	}
}

// literal takes in a number, or a word of JSON's.
func (in *input) literal() {
	if value := in.cursor.Value(); in.text != nil {
		in.add(string(value))
	}
}

// named takes in the name of a member.
func (in *input) named(name []byte) {
	if in.text != nil && !slices.Contains(labels(), string(name)) {
		in.add(string(name))
	}
}

func (in *input) add(text string) {
	in.text.WriteString(text)
	in.text.WriteByte('\n')
}
