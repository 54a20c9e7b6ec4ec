package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are a window of the owner's wall clock. From later than To runs over
// midnight and belongs to the day it starts on. The two are never equal: a
// whole day is 00:00 to 24:00.
//
// Where clocks are moved, the wall clock counts and not the time that passed:
// an hour that is left out is not in the window, one that comes twice is in
// it twice.
type Hours struct {
	From TimeOfDay `json:"from"`
	To   TimeOfDay `json:"to"` // the first moment outside
	// Days are the days on which a window starts; nil is every day.
	Days []Weekday `json:"days,omitzero"`
}

// TimeOfDay is a time of the wall clock in minutes after midnight, from 0 to
// 1440. Its JSON is "09:00"; "24:00" is the end of the day.
type TimeOfDay int

// Weekday is "mon", "tue", "wed", "thu", "fri", "sat" or "sun".
type Weekday string

const endOfDay TimeOfDay = 24 * 60

// weekdays are the days as [time.Weekday] numbers them.
var weekdays = [...]Weekday{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// String is "09:00".
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// MarshalText is String.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads five characters, "00:00" to "24:00".
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	read, ok := timeOfDay(string(text))
	if !ok {
		return errors.New(`must be a time of day from "00:00" to "24:00"`)
	}
	*t = read
	return nil
}

func timeOfDay(text string) (TimeOfDay, bool) {
	if text == endOfDay.String() {
		return endOfDay, true
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, false
	}
	return TimeOfDay(t.Hour()*60 + t.Minute()), true
}

// judgeHours wants to know whose clock it is: the wrong zone would be the
// wrong hours.
func judgeHours(d Document, req Request) verdict {
	switch {
	case d.Hours == nil:
		return pass(unrestricted)
	case req.Zone == nil || req.Time.IsZero():
		return fail(CodeOutsideHours, "the owner's time is not known, and this permission holds only %s", d.Hours.words())
	case !d.Hours.hold(req.Time.In(req.Zone)):
		return fail(CodeOutsideHours, "this permission holds only %s by the owner's clock, which says %s",
			d.Hours.words(), req.Time.In(req.Zone).Format("Mon 15:04"))
	}
	return pass("within the hours")
}

// hold says whether the wall clock of t is in the window.
func (h Hours) hold(t time.Time) bool {
	today, clock := t.Weekday(), sinceMidnight(t)
	yesterday := (today + 6) % 7
	from, to := h.From.duration(), h.To.duration()
	if from < to {
		return h.on(today) && from <= clock && clock < to
	}
	return h.on(today) && from <= clock || h.on(yesterday) && clock < to
}

func (h Hours) on(day time.Weekday) bool {
	return h.Days == nil || slices.Contains(h.Days, weekdays[day])
}

func (t TimeOfDay) duration() time.Duration { return time.Duration(t) * time.Minute }

// sinceMidnight is what the wall clock shows.
func sinceMidnight(t time.Time) time.Duration {
	h, m, s := t.Clock()
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second + time.Duration(t.Nanosecond())
}

func (h Hours) validate() error {
	switch {
	case h.From < 0 || h.From >= endOfDay:
		return refuse("hours.from", `must be a time of day from "00:00" to "23:59"`)
	case h.To < 0 || h.To > endOfDay:
		return refuse("hours.to", `must be a time of day from "00:00" to "24:00"`)
	case h.From == h.To:
		return refuse("hours.to", `must differ from hours.from; a whole day is "00:00" to "24:00"`)
	case h.Days != nil && (len(h.Days) == 0 || len(h.Days) > len(weekdays)):
		return refuse("hours.days", "must list 1 to %d days; leave it out for every day", len(weekdays))
	}
	for i, day := range h.Days {
		at := fmt.Sprintf("hours.days[%d]", i)
		if !slices.Contains(weekdays[:], day) {
			return refuse(at, "must be mon, tue, wed, thu, fri, sat or sun")
		}
		if slices.Contains(h.Days[:i], day) {
			return refuse(at, "is listed twice")
		}
	}
	if h.always() {
		return refuse("hours", "allows every hour of every day; leave it out")
	}
	return nil
}

func (h Hours) always() bool {
	return h.From == 0 && h.To == endOfDay && (h.Days == nil || len(h.Days) == len(weekdays))
}

// words are "Weekdays 09:00 to 18:00".
func (h Hours) words() string {
	days, clock := h.dayWords(), fmt.Sprintf("%s to %s", h.From, h.To)
	switch {
	case h.From == 0 && h.To == endOfDay:
		return days + ", all day"
	case h.From > h.To && h.To != 0:
		clock += " the next day"
	}
	return days + " " + clock
}

func (h Hours) dayWords() string {
	var named []string
	week, weekend := 0, 0
	for i := range weekdays {
		day := weekdays[(i+1)%len(weekdays)] // weeks start on Monday
		if !slices.Contains(h.Days, day) {
			continue
		}
		named = append(named, strings.ToUpper(string(day[:1]))+string(day[1:]))
		if day == "sat" || day == "sun" {
			weekend++
		} else {
			week++
		}
	}
	switch {
	case h.Days == nil || week == 5 && weekend == 2:
		return "Every day"
	case week == 5 && weekend == 0:
		return "Weekdays"
	case week == 0 && weekend == 2:
		return "Weekends"
	}
	return strings.Join(named, ", ")
}
