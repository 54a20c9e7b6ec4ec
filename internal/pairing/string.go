package pairing

import (
	"errors"
	"fmt"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/store"
)

// How long a pairing string can be redeemed.
const (
	MinStringTTL     = time.Minute
	MaxStringTTL     = time.Hour
	DefaultStringTTL = 10 * time.Minute
)

// maxOpenStrings bounds the strings that wait to be redeemed.
const maxOpenStrings = 256

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
	if err := p.checkStringOptions(&o); err != nil {
		return PairingString{}, fmt.Errorf("%w: %w", ErrStringOptions, err)
	}
	code, err := p.newSecret()
	if err != nil {
		return PairingString{}, err
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	now := p.now()
	record := stringRecord{
		Status: stringOpen, CreatedAt: now, ExpiresAt: now.Add(o.TTL), Preset: o.Preset, Approve: o.Approve,
	}
	err = p.grant(func(tx *store.Tx) error {
		if err := p.sweepStrings(tx); err != nil {
			return err
		}
		return stringRecords.Put(tx, hashOf(code), record)
	}, audit.Event{Kind: audit.StringCreated, Actor: audit.Owner, Detail: record.detail()})
	if err != nil {
		return PairingString{}, err
	}
	p.publish(func(l *live) { l.offer(hashOf(code), record, now) })
	return PairingString{Value: "pair::" + p.cfg.Issuer + "::" + code, ExpiresAt: record.ExpiresAt}, nil
}

func (p *Pairing) checkStringOptions(o *StringOptions) error {
	if o.TTL == 0 {
		o.TTL = DefaultStringTTL
	}
	if o.TTL < MinStringTTL || o.TTL > MaxStringTTL {
		return errors.New("it can be valid for 1 to 60 minutes")
	}
	if len(o.Preset) > 0 {
		return p.checkGrant(o.Preset)
	}
	if o.Approve {
		return errors.New("approving on redemption needs a preset: say what is granted")
	}
	return nil
}

// detail says in the audit log what the string brings along.
func (r stringRecord) detail() string {
	text := "valid until " + r.ExpiresAt.UTC().Format(time.RFC3339)
	if len(r.Preset) > 0 {
		text += ", preset " + resourceList(r.Preset)
	}
	if r.Approve {
		text += ", approved on redemption"
	}
	return text
}

// sweepStrings forgets strings that can no longer be redeemed, and refuses
// when there are too many that can.
func (p *Pairing) sweepStrings(tx *store.Tx) error {
	all, err := stringRecords.All(tx)
	now, open := p.now(), 0
	for hash, s := range all {
		if !now.Before(s.ExpiresAt) {
			err = errors.Join(err, stringRecords.Delete(tx, hash))
		} else if s.Status == stringOpen {
			open++
		}
	}
	if open >= maxOpenStrings {
		err = errors.Join(err, fmt.Errorf("%w: %d strings wait to be redeemed already; let some expire", ErrStringOptions, open))
	}
	return err
}
