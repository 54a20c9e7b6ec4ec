package ui

import "testing"

func TestDollars(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "$0.00", 1: "< $0.0001", 49_999: "< $0.0001", 50_000: "$0.0001", 1_234_567: "$0.0012", 190_000_000: "$0.19",
		999_999_999: "$1.00", 1_000_000_000: "$1.00", 1_234_000_000: "$1.23", 1_235_000_000: "$1.24", 12_345_678_900_000: "$12,345.68",
	} {
		if got := dollars(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
