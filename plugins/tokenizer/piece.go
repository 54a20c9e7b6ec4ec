package tokenizer

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxPiece bounds what the tokenizer is given at once, in bytes. Byte-pair
	// encoding takes more than linear time for a run without breaks, and the
	// splitter copies its input fourfold.
	maxPiece = 8 << 10
	minPiece = 4 << 10 // where a cut is looked for
)

func count(enc encoding, text string) int64 {
	if text == "" {
		return 0
	}
	var beyond int64
	if len(text) > MaxText {
		beyond = int64(len(text) - MaxText)
		text = text[:MaxText]
	}
	codec := enc()
	total := beyond
	for text != "" {
		piece, cut := next(text)
		text = text[len(piece):]
		n, err := codec.Count(piece)
		if err != nil {
			n = len(piece)
		}
		total += int64(n) + cut
	}
	return total
}

// next takes a piece off the front of text. A space behind something that is no
// space begins a token in every vocabulary here, so cutting before it changes
// nothing. Where there is none, the cut may split a token, or break a run
// differently than the whole: cut is 1 then, else 0.
func next(text string) (piece string, cut int64) {
	if len(text) <= maxPiece {
		return text, 0
	}
	for end := maxPiece; end > minPiece; {
		at := strings.LastIndexByte(text[:end], ' ')
		if at < minPiece {
			break
		}
		if !space(text[at-1]) {
			return text[:at], 0
		}
		end = at
	}
	end := maxPiece
	for back := range utf8.UTFMax {
		if utf8.RuneStart(text[maxPiece-back]) {
			end = maxPiece - back
			break
		}
	}
	return text[:end], 1
}

// space reports whether b may belong to white space, of which only the first
// byte of each kind is known here: all bytes outside ASCII count.
func space(b byte) bool { return b <= ' ' || b >= utf8.RuneSelf }
