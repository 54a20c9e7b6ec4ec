package policy

// Crossing is a limit that has been used up to a part.
type Crossing struct {
	PermissionID string
	Limit        LimitState
	Percent      int // 80 or 100
}
