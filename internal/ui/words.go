package ui

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// number writes n with thousands set apart: 12,345.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// count writes a number of things: "1 request", "2 requests".
func count(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

// share is part of whole as the width of a bar: at least a visible sliver for
// anything, never more than the whole.
func share(part, whole int64) string {
	percent := 100.0
	if part < whole {
		percent = max(1.5, 100*float64(part)/float64(whole))
	}
	return strconv.FormatFloat(percent, 'f', 1, 64) + "%"
}

// groups splits what is to be compared by eye into its groups.
func groups(fingerprint string) []string {
	return strings.FieldsFunc(fingerprint, func(r rune) bool { return r == '-' || r == ' ' })
}

// at is t as a page shows it: by day when the day is near, else by date; in
// the owner's zone.
func (u *UI) at(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{Words: dayWords(t.In(u.cfg.Zone), u.cfg.Clock().In(u.cfg.Zone)), ISO: t.UTC().Format(time.RFC3339)}
}

func dayWords(t, now time.Time) string {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	clock := t.Format(" 15:04")
	switch day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()); {
	case day.Equal(midnight):
		return "today" + clock
	case day.Equal(midnight.AddDate(0, 0, -1)):
		return "yesterday" + clock
	case day.Equal(midnight.AddDate(0, 0, 1)):
		return "tomorrow" + clock
	case t.Year() == now.Year():
		return t.Format("2 Jan") + clock
	}
	return t.Format("2 Jan 2006") + clock
}

// unlockLink leads to the unlock page and back.
func unlockLink(back string) templ.SafeURL {
	if back = local(back); back == "/" || back == "/unlock" {
		return "/unlock"
	}
	return templ.SafeURL("/unlock?back=" + url.QueryEscape(back))
}
