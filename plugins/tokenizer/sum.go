package tokenizer

// Sum adds up the tokens of a text that comes in pieces, such as the deltas of a
// stream. Each piece that is not empty counts as a token at least. It is used by
// one goroutine at a time.
type Sum struct {
	enc    encoding
	exact  bool
	halves int64 // half tokens, so that an estimate is not rounded up for each piece
}

// NewSum starts at nothing, with the tokenizer of the model or, where that is not
// known, as [Estimate] does.
func NewSum(model string) *Sum {
	if enc, ok := encodingOf(model); ok {
		return &Sum{enc: enc, exact: true}
	}
	return &Sum{enc: o200k}
}

// Add counts one more piece.
func (s *Sum) Add(piece string) {
	if piece == "" {
		return
	}
	halves := 2 * max(count(s.enc, piece), 1)
	if !s.exact {
		halves = max(min(3*halves/2, 2*int64(len(piece))), 2)
	}
	s.halves += halves
}

// Total is the tokens so far, rounded up.
func (s *Sum) Total() int64 { return (s.halves + 1) / 2 }
