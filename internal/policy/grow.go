package policy

// Grow says that the request would have used u if it ended now, and takes what
// its holds lack for that. u.InputTokens is the request's estimate until the
// provider has reported better. The error is a *[Denied] when there is no room
// for u, [ErrUnavailable] when it cannot be counted: the request must then be
// cut before it brings its client any more. It takes no lock while the holds
// suffice, and does nothing once the reservation has ended.
func (r *Reservation) Grow(u Usage) error { return nil }
