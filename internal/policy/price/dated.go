package price

import "iter"

// names are a model's name and, longest first, what is left of it without a
// date at its end. These are dates:
//
//	2024-07-18  20240718  2025-09  09-2025  05-06  0718 and 2411 (month and day, or year and month)
func names(model string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(model) {
			return
		}
		for _, n := range [...]int{4, 5, 7, 8, 10} {
			at := len(model) - n
			if at > 1 && model[at-1] == '-' && isDate(model[at:]) && !yield(model[:at-1]) {
				return
			}
		}
	}
}

func isDate(s string) bool {
	switch len(s) {
	case len("0718"):
		return isMonth(s[:2]) && isDay(s[2:]) || two(s[:2]) >= 20 && two(s[:2]) < 40 && isMonth(s[2:])
	case len("05-06"):
		return isMonth(s[:2]) && s[2] == '-' && isDay(s[3:])
	case len("09-2025"):
		return isMonth(s[:2]) && s[2] == '-' && isYear(s[3:]) || isYear(s[:4]) && s[4] == '-' && isMonth(s[5:])
	case len("20240718"):
		return isYear(s[:4]) && isMonth(s[4:6]) && isDay(s[6:])
	case len("2024-07-18"):
		return isYear(s[:4]) && s[4] == '-' && isMonth(s[5:7]) && s[7] == '-' && isDay(s[8:])
	}
	return false
}

func isYear(s string) bool  { return two(s[:2]) == 20 && two(s[2:]) >= 0 }
func isMonth(s string) bool { return two(s) >= 1 && two(s) <= 12 }
func isDay(s string) bool   { return two(s) >= 1 && two(s) <= 31 }

// two is a number of two digits, -1 for anything else.
func two(s string) int {
	if s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}
