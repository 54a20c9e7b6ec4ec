package policy

import "time"

// Until is the earliest instant after now at which a document that holds now
// stops to hold by itself: its expiry, or the end of its hours in zone. The
// zero time is never. Where it does not hold now it is now, as it is under
// hours when zone is nil. The far ends of long hours may be told too early,
// never too late.
func (d Document) Until(now time.Time, zone *time.Location) time.Time {
	ends := d.ExpiresAt
	if !ends.IsZero() && ends.Before(now) {
		return now
	}
	if d.Hours == nil {
		return ends
	}
	if zone == nil {
		return now
	}
	if closes := d.Hours.closes(now.In(zone)); !closes.IsZero() && (ends.IsZero() || closes.Before(ends)) {
		return closes
	}
	return ends
}

// closes is the first instant from t on at which the window is not open, zero
// for never. Between two changes of the clocks the wall clock runs evenly, so
// it is enough to look at them and at where the wall clock shows from, to and
// midnight.
func (h Hours) closes(t time.Time) time.Time {
	if h.always() {
		return time.Time{}
	}
	const looks = 64 // more than the corners of a week
	for range looks {
		if !h.hold(t) {
			break
		}
		t = h.corner(t)
	}
	return t
}

// corner is the next instant at which the window could open or close.
func (h Hours) corner(t time.Time) time.Time {
	const day = 24 * time.Hour
	clock, wait := sinceMidnight(t), day
	for _, at := range []time.Duration{h.From.duration(), h.To.duration(), day} {
		if at > clock {
			wait = min(wait, at-clock)
		}
	}
	next := t.Add(wait)
	if _, moved := t.ZoneBounds(); !moved.IsZero() && moved.Before(next) {
		return moved
	}
	return next
}
