package price

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestParseDollars(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]int64{
		"0": 0, "1": dollar, "1.50": 1_500_000_000, "0.1": 100_000_000, "0.000000001": 1,
		"007.0": 7 * dollar, "9223372036.854775807": 9223372036854775807,
	} {
		got, err := ParseDollars(give)
		if err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", give, got, err, want)
		}
		if again, err := ParseDollars(FormatDollars(got)); err != nil || again != got {
			t.Errorf("%s: written %s, read %d, %v", give, FormatDollars(got), again, err)
		}
	}
	for _, give := range []string{
		"", ".", "1.", ".5", "-1", "+1", "1,50", "1 ", "$1", "1e3", "0x1", "1.0000000001", "9223372036.854775808", "NaN", "1.5.0", "١",
		strings.Repeat("9", 1000),
	} {
		if got, err := ParseDollars(give); err == nil {
			t.Errorf("%q is read as %d", give, got)
		}
	}
}

func TestFormatDollars(t *testing.T) {
	t.Parallel()
	for give, want := range map[int64]string{
		0: "0.00", 1: "0.000000001", dollar: "1.00", 1_500_000_000: "1.50", 1_234_500_000: "1.2345",
		-1_500_000_000: "-1.50", -9223372036854775808: "-9223372036.854775808",
	} {
		if got := FormatDollars(give); got != want {
			t.Errorf("%d: %s, want %s", give, got, want)
		}
	}
}

// Catalogs write the same price in many ways, and none is taken through a
// binary fraction.
func TestNumber(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]int64{
		"0": 0, "0.0": 0, "-0": 0, "0e9": 0, "2.5": 2_500_000_000, "2.50e0": 2_500_000_000, "25E-1": 2_500_000_000, "0.25e+1": 2_500_000_000,
		"1e-9": 1, "1e-10": 1, "0.0000000011": 2, "8e-05": 80_000, "0.1": 100_000_000, "0.30000000000000004": 300_000_001,
		"1000000": maxPrice, "1e6": maxPrice, "1e-64": 1,
	} {
		if got, err := number(jsontext.Value(give), decimals, maxPrice); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", give, got, err, want)
		}
	}
	for _, give := range []string{
		"-1", "-1e-20", "1000000.01", "1000000.000000000000001", "1e7", "1e64", "1e65", "1e999999999999", "1" + strings.Repeat("0", 80), `"1"`, "true", "[]", "{}",
	} {
		if got, err := number(jsontext.Value(give), decimals, maxPrice); err == nil {
			t.Errorf("%s is read as %d", give, got)
		}
	}
}

func FuzzParseDollars(f *testing.F) {
	f.Add("1.50")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseDollars(text)
		if err != nil {
			return
		}
		if again, err := ParseDollars(FormatDollars(n)); n < 0 || err != nil || again != n {
			t.Fatalf("%q: %d, written %s, read %d, %v", text, n, FormatDollars(n), again, err)
		}
	})
}
