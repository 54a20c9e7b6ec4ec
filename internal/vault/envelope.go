package vault

import (
	"encoding/json"
	"fmt"

	strict "github.com/go-json-experiment/json"
)

const (
	envelopeMark     = "keywicket backup envelope"
	maxEnvelope      = 64 << 10
	maxEnvelopeKey   = 1 << 10
	maxEnvelopeSlots = maxSlots
)

// envelope carries the key of a backup together with every slot, so that what
// opens the vault opens the backup on another machine. It is readable without
// any key: it shows how many ways in there are, of which kind, their labels
// and dates.
//
//	passphrase, recovery code, key file ─▶ a slot ─▶ root key ─▶ the backup's key
//
// The key is sealed under the root key, so nobody who lacks it can make a
// backup that the owner's passphrase opens.
type envelope struct {
	Mark        string       `json:"mark"`
	Format      int          `json:"format"`
	RootVersion int64        `json:"root_version"`
	Slots       []slotRecord `json:"slots"`
	Sealed      []byte       `json:"sealed"`
}

// binding covers every slot, in order, by what it says and not by how a
// version of this package happens to write it as JSON.
func (e envelope) binding() []byte {
	parts := []string{number(e.Format), number(e.RootVersion)}
	for _, s := range e.Slots {
		parts = append(parts, s.parts()...)
		parts = append(parts, number(s.RootVersion), string(s.Identity), string(s.Root), string(s.Pin))
	}
	return bind("vault backup envelope", parts...)
}

// WrapForBackup puts a backup's key, 16 to 1,024 bytes, into an envelope that
// every present slot opens, of at most 64 KiB. Slots added later do not open
// it; removed ones still do.
// Errors: ErrLocked; ErrDamaged when a slot is not of this vault's making.
func (v *Vault) WrapForBackup(key []byte) ([]byte, error) {
	if len(key) < 16 || len(key) > maxEnvelopeKey {
		return nil, fmt.Errorf("wrapping backup key: it has %d bytes, 16 to %d are allowed", len(key), maxEnvelopeKey)
	}
	v.changing.Lock() // slots and root key of one version
	defer v.changing.Unlock()
	r, err := v.unlocked()
	if err != nil {
		return nil, err
	}
	e := envelope{Mark: envelopeMark, Format: format, RootVersion: r.version, Slots: v.slotsOf(slotRecord.any)}
	for _, s := range e.Slots {
		pin, err := r.pinOf(s)
		if err != nil {
			return nil, err
		}
		clear(pin)
	}
	if e.Sealed, err = r.seal.Encrypt(key, e.binding()); err != nil {
		return nil, fmt.Errorf("wrapping backup key: %w", err)
	}
	return json.Marshal(e)
}

// OpenBackupEnvelope gives back the key that WrapForBackup was given. It needs
// no vault. What it computes is bounded, whatever the envelope says: it may
// come from anywhere. The caller zeroes the key.
// Errors: ErrEnvelope, wrapped; ErrWrongPassphrase, ErrWrongRecoveryCode,
// ErrMistypedCode, ErrWrongKeyFile.
func OpenBackupEnvelope(sealed []byte, with Unlocker) (key []byte, err error) {
	secret, err := with.secret()
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	e, err := parseEnvelope(sealed)
	if err != nil {
		return nil, err
	}
	r, _, err := openAny(e.Slots, with, secret, argon2id)
	if err != nil {
		return nil, err
	}
	key, err = r.seal.Decrypt(e.Sealed, e.binding())
	if err != nil || r.version != e.RootVersion {
		return nil, fmt.Errorf("%w: its slots do not belong to its key", ErrEnvelope)
	}
	return key, nil
}

func parseEnvelope(sealed []byte) (envelope, error) {
	var e envelope
	if len(sealed) > maxEnvelope {
		return e, fmt.Errorf("%w: it is longer than %d bytes", ErrEnvelope, maxEnvelope)
	}
	// Only the two members that every version has: a newer one is named as such.
	var version struct {
		Mark   string `json:"mark"`
		Format int    `json:"format"`
	}
	if err := strict.Unmarshal(sealed, &version); err != nil || version.Mark != envelopeMark {
		return e, fmt.Errorf("%w: it is not an envelope", ErrEnvelope)
	}
	if version.Format != format {
		return e, fmt.Errorf("%w: it has format %d, and this gateway knows %d", ErrEnvelope, version.Format, format)
	}
	if err := strict.Unmarshal(sealed, &e, strict.RejectUnknownMembers(true)); err != nil {
		return e, fmt.Errorf("%w: it cannot be read", ErrEnvelope)
	}
	return e, e.check()
}

func (e envelope) check() error {
	if len(e.Slots) == 0 || len(e.Slots) > maxEnvelopeSlots {
		return fmt.Errorf("%w: it has %d slots", ErrEnvelope, len(e.Slots))
	}
	work := int64(0)
	for _, s := range e.Slots {
		if s.check(s.ID) != nil || s.RootVersion != e.RootVersion {
			return fmt.Errorf("%w: one of its slots is not valid", ErrEnvelope)
		}
		work += s.Cost.work()
	}
	if work > 2*maxWork {
		return fmt.Errorf("%w: opening it would take too long", ErrEnvelope)
	}
	return nil
}
