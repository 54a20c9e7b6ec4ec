package openai

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	nanoExponent = 9  // decimal places of a nano-dollar
	tickExponent = -1 // a tick is a tenth of a nano-dollar
	maxDigits    = 64 // of an amount; none is written longer
)

// nano is an amount of nano-dollars from a JSON number of units, of which each is
// ten to the power of exponent nano-dollars: exactly as it is written in decimal,
// rounded up. False for what is not a number, is negative or out of range.
func nano(value jsontext.Value, exponent int) (int64, bool) {
	text := string(value)
	if value.Kind() != '0' || len(text) > maxDigits || text[0] == '-' {
		return 0, false
	}
	mantissa, power, scientific := strings.Cut(strings.ToLower(text), "e")
	if scientific {
		n, err := strconv.Atoi(power)
		if err != nil || n < -maxDigits || n > maxDigits {
			return 0, false
		}
		exponent += n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits, exponent := whole+fraction, exponent-len(fraction)
	if exponent >= 0 {
		digits = strings.TrimLeft(digits, "0")
		if len(digits)+exponent > 18 && digits != "" {
			return 0, false
		}
		return integer(digits + strings.Repeat("0", exponent))
	}
	at := max(len(digits)+exponent, 0)
	n, ok := integer(digits[:at])
	if ok && strings.Trim(digits[at:], "0") != "" {
		n++
	}
	return n, ok
}

func integer(digits string) (int64, bool) {
	if strings.Trim(digits, "0") == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n < math.MaxInt64
}

// stated is what the provider itself says an answer cost, in nano-dollars; false
// when it does not say. OpenRouter's cost is its own charge alone when the key of
// another provider is used through it: then that provider's is added, and a
// charge without it says nothing.
func (c *costs) stated() (int64, bool) {
	if c.odd {
		return 0, false
	}
	if ticks, ok := nano(c.ticks, tickExponent); ok {
		return ticks, true
	}
	if c.cost.Kind() == '{' {
		total, _ := member(c.cost, "total_cost")
		return nano(total, nanoExponent)
	}
	cost, ok := nano(c.cost, nanoExponent)
	upstream, told := nano(c.upstream, nanoExponent)
	elsewhere := told && upstream > cost
	if kind := c.byok.Kind(); kind == 't' || kind == 'f' {
		elsewhere = kind == 't'
	}
	switch {
	case !ok || elsewhere && !told:
		return 0, false
	case elsewhere:
		return cost + upstream, true
	}
	return cost, true
}
