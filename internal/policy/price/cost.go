package price

import (
	"math"
	"math/bits"
)

const million = 1_000_000

// Cost is what a request with these tokens costs, in nano-dollars, rounded up.
// It stops at the largest int64 instead of overflowing. Where more tokens are
// said to be cached or written than were read, all that were read are.
func (r Rate) Cost(t Tokens) int64 {
	p := r.at(t.Input)
	input := max(t.Input, 0)
	written := min(max(t.CacheWrite, 0), input)
	cached := min(max(t.Cached, 0), input-written)
	var s sum
	s.add(input-written-cached, p.Input)
	s.add(cached, p.CacheRead)
	s.add(written, p.CacheWrite)
	s.add(max(t.Output, 0), p.Output)
	tokens := s.perMillion()
	if request := max(r.Request, 0); tokens > math.MaxInt64-request {
		return math.MaxInt64
	}
	return tokens + max(r.Request, 0)
}

// at is the tier of a request with that many input tokens.
func (r Rate) at(input int64) Tier {
	p := Tier{Input: r.Input, Output: r.Output, CacheRead: r.CacheRead, CacheWrite: r.CacheWrite}
	for _, t := range r.Tiers {
		if input > t.Above {
			p = t
		}
	}
	return p
}

// sum is a sum of products in 128 bits. Four products of 63 bits by 63 fit.
type sum struct{ hi, lo uint64 }

func (s *sum) add(tokens, price int64) {
	hi, lo := bits.Mul64(uint64(tokens), uint64(max(price, 0)))
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, _ = bits.Add64(s.hi, hi, carry)
}

// perMillion divides by a million and rounds up.
func (s sum) perMillion() int64 {
	if s.hi >= million {
		return math.MaxInt64
	}
	quotient, remainder := bits.Div64(s.hi, s.lo, million)
	if remainder > 0 && quotient < math.MaxUint64 {
		quotient++
	}
	return int64(min(quotient, math.MaxInt64))
}
