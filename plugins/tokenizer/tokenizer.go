// Package tokenizer counts the tokens of a text: exactly, or by a bound that
// holds for other models too.
//
// It guarantees an answer in time linear in the text, whatever the text holds,
// and memory that does not grow with it: a text is counted in pieces of at most
// [maxPiece] bytes, and what lies behind the first [MaxText] bytes counts a token
// for each byte. A count is never below what the model's own tokenizer makes of
// the text by more than one token for each cut inside an unbroken run of
// [maxPiece] bytes; it may be above it by as much.
//
// The vocabularies are part of the binary. The package opens no file and no
// connection, and loads a vocabulary (some 30 ms and 7 MiB) when it is first
// needed.
package tokenizer

import (
	"sync"

	"github.com/tiktoken-go/tokenizer/codec"
)

// MaxText is how many bytes of one text are counted with a tokenizer; each byte
// behind them counts as a token, which no tokenizer exceeds.
const MaxText = 1 << 20

// encoding is one vocabulary, loaded once.
type encoding func() *codec.Codec

// The vocabularies that models in use have. They are constants that are made
// when first asked for.
var (
	o200k  encoding = sync.OnceValue(codec.NewO200kBase)
	cl100k encoding = sync.OnceValue(codec.NewCl100kBase)
)

// Count is the number of tokens of text for a model of OpenAI's, dated or not,
// fine-tuned or not, with or without a vendor in front (openai/gpt-4o). It is
// false for a model whose tokenizer is not known.
func Count(model, text string) (tokens int64, ok bool) {
	enc, ok := encodingOf(model)
	if !ok {
		return 0, false
	}
	return count(enc, text), true
}

// Estimate is a number of tokens that models of other makers seldom exceed: one
// and a half times what OpenAI's present tokenizer makes of the text, and at most
// one for each byte.
func Estimate(text string) int64 {
	n := count(o200k, text)
	return min(int64(len(text)), n+(n+1)/2)
}

// For returns what counts tokens for a model: Count, or Estimate where the
// model's tokenizer is not known.
func For(model string) func(text string) int64 {
	enc, ok := encodingOf(model)
	if !ok {
		return Estimate
	}
	return func(text string) int64 { return count(enc, text) }
}
