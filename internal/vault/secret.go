package vault

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret holds a provider key. Every way of printing, logging or encoding it
// yields "[redacted]"; only Bytes gives it away. Copies share one buffer, so
// Zero on any of them ends all of them.
type Secret struct {
	// bytes is a closure because fmt follows pointers: a Secret in another
	// struct's unexported field, printed with a verb that does not suit it,
	// would show what any pointer leads to.
	bytes func() []byte
}

// NewSecret takes ownership of b: the caller must not use it afterwards.
func NewSecret(b []byte) Secret { return Secret{bytes: func() []byte { return b }} }

// Bytes returns the secret itself, not a copy; nil when there is none. Do not
// keep it: it becomes zeros at Zero.
func (s Secret) Bytes() []byte {
	if s.bytes == nil {
		return nil
	}
	return s.bytes()
}

// Zero overwrites the secret.
func (s Secret) Zero() { clear(s.Bytes()) }

// String implements fmt.Stringer.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb reaches the bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON implements json.Marshaler.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
