package policy

import "time"

// span names one period of one kind by its civil date: 20261122 is a day,
// 202611 a month, 0 a lifetime. A date, unlike an instant, means the same in
// any zone and needs no midnight, which daylight saving can take away.
type span int64

// date is a civil date.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time, zone *time.Location) date {
	y, m, d := t.In(zone).Date()
	return date{y, m, d}
}

// span is the period in which t falls, in zone; on, in which a date does.
func (p Period) span(t time.Time, zone *time.Location) span { return p.on(dateOf(t, zone)) }

func (p Period) on(d date) span {
	switch p {
	case Day:
		return span(d.year*10000 + int(d.month)*100 + d.day)
	case Month:
		return span(d.year*100 + int(d.month))
	}
	return 0
}

// before is the period just before s.
func (p Period) before(s span) span {
	y, m, d := p.date(s)
	switch p {
	case Day:
		return p.span(time.Date(y, m, d-1, 12, 0, 0, 0, time.UTC), time.UTC)
	case Month:
		return p.span(time.Date(y, m-1, 15, 12, 0, 0, 0, time.UTC), time.UTC)
	}
	return 0
}

// end is the first instant in zone after s, zero for a lifetime. Where clocks
// are moved at midnight, or a date is left out, it is the moment they move.
func (p Period) end(s span, zone *time.Location) time.Time {
	y, m, d := p.date(s)
	var next time.Time
	switch p {
	case Day:
		next = time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	case Month:
		next = time.Date(y, m+1, 1, 0, 0, 0, 0, zone)
	default:
		return time.Time{}
	}
	// A midnight that does not exist may be read as an instant on either side
	// of the gap: take the far edge of the gap in both cases.
	start, end := next.ZoneBounds()
	switch {
	case p.span(next, zone) <= s:
		return end
	case next.Hour() != 0:
		return start
	}
	return next
}

// date is a day in s; for a month its first.
func (p Period) date(s span) (year int, month time.Month, day int) {
	n := int(s)
	if p == Month {
		return n / 100, time.Month(n % 100), 1
	}
	return n / 10000, time.Month(n / 100 % 100), n % 100
}

// known is false for a period that only code could have put in a document.
func (p Period) known() bool {
	switch p {
	case Minute, Day, Month, Lifetime:
		return true
	}
	return false
}
