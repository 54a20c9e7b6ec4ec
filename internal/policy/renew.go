package policy

// Renew puts a running request under a document that has taken the place of
// the one it was reserved under. What it holds counts under the new limits
// too. The error is a *[Denied] when it does not fit, and nothing has changed
// then: the request must be cut. It does nothing once the reservation has ended.
func (r *Reservation) Renew(d Document) error { return nil }
