package policy

import "github.com/keywicket/keywicket/internal/policy/price"

// Dollars is an amount of money in nano-dollars (1e-9 $). Its JSON is a decimal
// string with at most nine decimals, such as "1.50".
type Dollars int64

// ParseDollars reads "1.50". It takes no sign, no exponent and no more than
// nine decimals. The error says what is wrong.
func ParseDollars(text string) (Dollars, error) {
	n, err := price.ParseDollars(text)
	return Dollars(n), err
}

// String writes at least two decimals and no more than are needed: "1.50".
func (d Dollars) String() string { return price.FormatDollars(int64(d)) }

// MarshalText is String.
func (d Dollars) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDollars.
func (d *Dollars) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDollars(string(text))
	return err
}
