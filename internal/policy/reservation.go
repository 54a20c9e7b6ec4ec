package policy

// Reservation is one request's share, held until it is settled or released.
// The first call of either wins; the rest do nothing.
type Reservation struct{}

// Settle replaces what was held by what was used.
func (r *Reservation) Settle(u Usage) {}

// Release gives everything back: nothing reached the provider.
func (r *Reservation) Release() {}
