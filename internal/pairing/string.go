package pairing

import (
	"errors"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

// ErrStringOptions says that a pairing string cannot be made that way; the
// text says why.
var ErrStringOptions = errors.New("making a pairing string")

// StringOptions says what a pairing string brings with it.
type StringOptions struct {
	// TTL is how long the string can be redeemed: 1 to 60 minutes, default 10.
	TTL time.Duration
	// Preset is what the owner means to grant; may be empty.
	Preset []policy.Document
	// Approve grants the preset on redemption, without asking again. It needs
	// a preset.
	Approve bool
}

// PairingString is shown to the owner once. Value is a secret until redeemed.
type PairingString struct {
	// Value is pair::<issuer>::<code>.
	Value     string    `json:"pairing_string"`
	ExpiresAt time.Time `json:"expires_at"`
}

// CreateString makes a one-time pairing string. Errors: ErrStringOptions,
// audit.ErrUnavailable.
func (p *Pairing) CreateString(o StringOptions) (PairingString, error) {
	return PairingString{}, ErrStringOptions
}
