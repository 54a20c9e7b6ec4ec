package tokenizer

// Running estimates the tokens of a text that comes in small pieces, such as the
// deltas of a stream, as [Estimate] does, but rounded once and not with each
// piece. Each piece counts as one token or more. The zero value is ready.
type Running struct {
	counted int64 // tokens of all pieces, as OpenAI's present tokenizer makes them
	bytes   int64
	pieces  int64 // with text in them
	hidden  int64 // and without
}

// Add takes the next piece, which may be empty: output whose text is hidden.
func (r *Running) Add(piece string) {
	if piece == "" {
		r.hidden++
		return
	}
	r.counted += count(o200k, piece)
	r.bytes += int64(len(piece))
	r.pieces++
}

// Tokens is the estimate so far. It never falls.
func (r *Running) Tokens() int64 {
	return r.hidden + max(min(r.bytes, r.counted+(r.counted+1)/2), r.pieces)
}
