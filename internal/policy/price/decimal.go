package price

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// decimals is how many a dollar has: nano-dollars.
const decimals = 9

// ParseDollars reads an amount of dollars such as "1.50" as nano-dollars. It
// takes no sign, no exponent, no spaces and at most nine decimals; at most
// about 9.2 billion dollars.
func ParseDollars(text string) (int64, error) {
	whole, fraction, point := strings.Cut(text, ".")
	switch {
	case !digits(whole) || point && !digits(fraction):
		return 0, errors.New(`must be an amount of dollars such as "1.50"`)
	case len(fraction) > decimals:
		return 0, fmt.Errorf("must have at most %d decimals", decimals)
	}
	return nano(whole, fraction)
}

// nano puts the digits before and after the point together.
func nano(whole, fraction string) (int64, error) {
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("must be at most %d dollars", int64(math.MaxInt64/1_000_000_000))
	}
	return n, nil
}

func digits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// FormatDollars writes nano-dollars as dollars, with at least two decimals and
// no more than are needed: "1.50".
func FormatDollars(n int64) string {
	sign, u := "", uint64(n)
	if n < 0 {
		sign, u = "-", -u
	}
	fraction := strings.TrimRight(fmt.Sprintf("%09d", u%1e9), "0")
	return fmt.Sprintf("%s%d.%s", sign, u/1e9, fraction+strings.Repeat("0", max(0, 2-len(fraction))))
}
