package policy

// Hours are a window of the owner's wall clock. From later than To runs over
// midnight and belongs to the day it starts on.
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
