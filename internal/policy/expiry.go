package policy

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a relative expiry. Whoever wants longer leaves it out.
const (
	shortestExpiry = time.Second
	longestExpiry  = 3650 * 24 * time.Hour
)

// lifetime reads a relative expiry: whole seconds, or a Go duration that may
// start with days.
func lifetime(path string, v jsontext.Value) (time.Duration, error) {
	d, ok := duration(v)
	if !ok {
		return 0, refuse(path, `must be a duration such as "24h" or "30d", or whole seconds`)
	}
	if d < shortestExpiry || d > longestExpiry {
		return 0, refuse(path, "must be from 1 second to 3650 days")
	}
	return d, nil
}

// duration brings what is far out of bounds just out of bounds, so that
// nothing overflows.
func duration(v jsontext.Value) (time.Duration, bool) {
	if v.Kind() == jsontext.KindNumber {
		n, err := strconv.ParseInt(string(v), 10, 64)
		n = min(max(n, 0), int64(longestExpiry/time.Second)+1)
		return time.Duration(n) * time.Second, err == nil
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return 0, false
	}
	days, rest, found := strings.Cut(string(text), "d")
	if !found {
		days, rest = "0", string(text)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, false
	}
	total := time.Duration(n) * 24 * time.Hour
	if found && rest == "" {
		return total, true
	}
	d, err := time.ParseDuration(rest)
	return total + min(max(d, 0), longestExpiry+1), err == nil
}

// instant is t in UTC, so that equal documents are equal values.
func instant(path string, t time.Time) (time.Time, error) {
	u := t.UTC()
	if u.Year() < firstYear || u.Year() > lastYear {
		return time.Time{}, refuse(path, "must be a time from %d to %d", firstYear, lastYear)
	}
	return u, nil
}
