package vault

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Sentinels of this package.
var (
	ErrInitialized       = errors.New("vault is already set up: unlock it instead")
	ErrNotInitialized    = errors.New("vault is not set up: run `gateway init` or open the set-up link")
	ErrLocked            = errors.New("vault is locked: unlock it in the console or with `gateway unlock`")
	ErrWrongPassphrase   = errors.New("wrong passphrase: try again")
	ErrWrongKeyFile      = errors.New("this key file does not open the vault: use the file made for this vault, or the passphrase")
	ErrWrongRecoveryCode = errors.New("this recovery code does not open the vault: use the one made for this vault, or the passphrase")
	ErrMistypedCode      = errors.New("this recovery code was mistyped: compare it with what you wrote down")
	ErrWeakPassphrase    = errors.New("passphrase is too weak: choose a longer one")
	ErrLastSlot          = errors.New("the last passphrase or recovery code cannot be removed: add another first")
	ErrEnvelope          = errors.New("this backup's key envelope is damaged, or was made by a newer gateway")
	ErrNoSlot            = errors.New("no such key slot: check its id in the list")
	ErrTooMany           = errors.New("vault is full: remove what is no longer used")
	ErrNoCredential      = errors.New("no such key: add one with `gateway key add`")
	ErrCredentialExists  = errors.New("a key with this resource and label exists: choose another label or remove that one first")
	ErrAmbiguous         = errors.New("several keys have this label: name the key by its id")
	ErrInvalidCredential = errors.New("key cannot be stored: correct it and try again")
	ErrDamaged           = errors.New("vault is damaged or was altered: restore the data directory from a backup")

	errInterrupted = fmt.Errorf("%w (it was locked during this attempt)", ErrLocked)
)

// TooSoonError refuses an attempt that follows a wrong one too closely, or
// that comes while another runs. Nothing was computed for it.
type TooSoonError struct {
	// RetryAfter is how long to wait, more than zero.
	RetryAfter time.Duration
}

func (e *TooSoonError) Error() string {
	return fmt.Sprintf("too many passphrase attempts: try again in %d s", int64(math.Ceil(e.RetryAfter.Seconds())))
}

// PassphraseError says why a new passphrase is refused. It matches
// ErrWeakPassphrase.
type PassphraseError struct {
	// Problem is a clause about the passphrase, without any part of it.
	Problem string
}

func (e *PassphraseError) Error() string { return "choose another passphrase: " + e.Problem }

// Unwrap returns ErrWeakPassphrase.
func (e *PassphraseError) Unwrap() error { return ErrWeakPassphrase }

// CredentialError says which field of a new key is refused, and why. It
// matches ErrInvalidCredential.
type CredentialError struct {
	// Field is the field's name in words.
	Field string
	// Problem is a clause about the field, without its value.
	Problem string
}

func (e *CredentialError) Error() string { return "correct the " + e.Field + ": " + e.Problem }

// Unwrap returns ErrInvalidCredential.
func (e *CredentialError) Unwrap() error { return ErrInvalidCredential }
