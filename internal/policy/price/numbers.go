package price

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxPrice is a million dollars: more is a mistake.
const maxPrice = 1_000_000 * 1_000_000_000

// numbers reads the numbers of one model and keeps the first mistake.
type numbers struct{ err error }

func (r *numbers) keep(path string, err error) {
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s %w", path, err)
	}
}

// tokens is a count of tokens; absent is 0.
func (r *numbers) tokens(path string, v jsontext.Value) int64 {
	if v == nil || v.Kind() == jsontext.KindNull {
		return 0
	}
	n, err := number(v, 0, maxTokens)
	r.keep(path, err)
	return n
}

// dollars is an amount in nano-dollars, rounded up; given is false when it is
// absent.
func (r *numbers) dollars(path string, v jsontext.Value) (n int64, given bool) {
	if v == nil || v.Kind() == jsontext.KindNull {
		return 0, false
	}
	n, err := number(v, decimals, maxPrice)
	r.keep(path, err)
	return n, true
}

// prices are those of one tier; what it does not give of input and output is
// as before it. Both is false when one of them is not given.
func (r *numbers) prices(path string, raw rawPrices, before Tier) (t Tier, both bool) {
	t = before
	input, hasInput := r.dollars(path+".input", raw.Input)
	output, hasOutput := r.dollars(path+".output", raw.Output)
	if hasInput {
		t.Input = input
	}
	if hasOutput {
		t.Output = output
	}
	// What the model thought is in the output and not told apart.
	if reasoning, given := r.dollars(path+".reasoning", raw.Reasoning); given {
		t.Output = max(t.Output, reasoning)
	}
	t.CacheRead, t.CacheWrite = t.Input, t.Input
	for _, v := range []jsontext.Value{raw.CachedInput, raw.CacheRead} {
		if n, given := r.dollars(path+".cache_read", v); given {
			t.CacheRead = n
		}
	}
	// Nobody reads for less because the provider also stores: a price below the
	// input's comes on top of it.
	if n, given := r.dollars(path+".cache_write", raw.CacheWrite); given {
		if n < t.Input {
			n += t.Input
		}
		t.CacheWrite = n
	}
	return t, hasInput && hasOutput
}

// tiers are a model's prices for longer inputs. The older context_over_200k
// says the same with less, and counts only without tiers.
func (r *numbers) tiers(cost rawCost, base Tier) []Tier {
	var all []Tier
	if len(cost.Tiers) > maxTiers {
		r.keep("cost.tiers", fmt.Errorf("has more than %d tiers", maxTiers))
		return nil
	}
	for i, raw := range cost.Tiers {
		if raw.Tier.Type != "" && raw.Tier.Type != "context" {
			continue
		}
		path := fmt.Sprintf("cost.tiers[%d]", i)
		t, _ := r.prices(path, raw.rawPrices, base)
		if t.Above = r.tokens(path+".tier.size", raw.Tier.Size); t.Above == 0 {
			r.keep(path+".tier.size", errors.New("must be at least 1"))
		}
		all = append(all, t)
	}
	if all == nil && cost.Over200k != nil {
		t, _ := r.prices("cost.context_over_200k", *cost.Over200k, base)
		t.Above = 200_000
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b Tier) int { return cmp.Compare(a.Above, b.Above) })
	return all
}

// perThousand is what each costs when a thousand cost n, rounded up. Prices
// for requests are given for a thousand of them.
func perThousand(n int64) int64 { return (n + 999) / 1000 }

// number reads a JSON number as a whole number of units of which ten to the
// power of places make one, rounded up; it is from 0 to most.
func number(v jsontext.Value, places int, most int64) (int64, error) {
	const longest = 64
	text := string(v)
	if v.Kind() != jsontext.KindNumber || len(text) > longest {
		return 0, errors.New("must be a number")
	}
	text, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	shift, err := strconv.Atoi(cmp.Or(strings.TrimPrefix(exponent, "+"), "0"))
	if err != nil || shift < -longest || shift > longest {
		return 0, errors.New("must be a number of ordinary size")
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	all := strings.TrimLeft(whole+fraction, "0")
	if all == "" {
		return 0, nil
	}
	if strings.HasPrefix(text, "-") {
		return 0, errors.New("must not be negative")
	}
	return units(all, len(all)-len(fraction)+shift+places, most)
}

// units is the number that has its point after so many of the digits, which
// start with one that is not 0. It is rounded up.
func units(digits string, point int, most int64) (int64, error) {
	const fits = 18 // digits that an int64 has room for
	tooMuch := fmt.Errorf("must be at most %d", most)
	switch {
	case point > fits:
		return 0, tooMuch
	case point <= 0:
		return 1, nil
	case point > len(digits):
		digits += strings.Repeat("0", point-len(digits))
	}
	n, err := strconv.ParseInt(digits[:point], 10, 64)
	if strings.Trim(digits[point:], "0") != "" {
		n++
	}
	if err != nil || n > most {
		return 0, tooMuch
	}
	return n, nil
}
