package dpop

import (
	"errors"
	"fmt"
)

var (
	// ErrInvalidProof is matched by every refusal of a proof. The text after it is for logs only: a caller that is
	// told which check failed learns how to do better.
	ErrInvalidProof = errors.New("invalid DPoP proof")

	// ErrReplayed is a proof that has been accepted before, or that is too old to know. It matches ErrInvalidProof.
	ErrReplayed = fmt.Errorf("%w: seen before", ErrInvalidProof)

	// ErrReplayFull says that the replay memory can take no further proof: it is full, or its journal cannot be
	// written. The proof itself may be good; answer 503 and let the app come back. It does not match ErrInvalidProof.
	ErrReplayFull = errors.New("replay memory cannot take another proof")

	// ErrKey is matched by every refusal of a private key or of an algorithm asked for one.
	ErrKey = errors.New("unusable key")
)

// invalid is a refusal with a reason for the log.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidProof, fmt.Sprintf(format, args...))
}
