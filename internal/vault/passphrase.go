package vault

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

const (
	minPassphraseRunes = 12
	minDifferentRunes  = 5
	maxPassphraseBytes = 1024
	slotKeyBytes       = 32
	maxWork            = 8 << 20 // KiB, some seconds
)

// Argon2Params are the cost of deriving a key from a passphrase (RFC 9106).
type Argon2Params struct {
	// MemoryKiB is the memory in KiB, from 8 per thread to 1 GiB.
	MemoryKiB uint32 `json:"memory_kib"`
	// Passes over the memory, 1 to 64; times the memory, at most 8 GiB.
	Passes uint32 `json:"passes"`
	// Threads, 1 to 16.
	Threads uint8 `json:"threads"`
}

var defaultCost = Argon2Params{MemoryKiB: 64 << 10, Passes: 3, Threads: 1}

// check bounds the cost before it is paid: a stored one must not be able to
// exhaust the machine.
func (p Argon2Params) check() error {
	switch {
	case p.Threads < 1 || p.Threads > 16:
		return fmt.Errorf("%d threads: 1 to 16 are allowed", p.Threads)
	case p.Passes < 1 || p.Passes > 64:
		return fmt.Errorf("%d passes: 1 to 64 are allowed", p.Passes)
	case p.MemoryKiB < 8*uint32(p.Threads) || p.MemoryKiB > 1<<20:
		return fmt.Errorf("%d KiB of memory: 8 per thread to 1048576 are allowed", p.MemoryKiB)
	case p.work() > maxWork:
		return fmt.Errorf("%d KiB of memory %d times: %d KiB in all are allowed", p.MemoryKiB, p.Passes, maxWork)
	}
	return nil
}

// work is how much memory is filled in all, in KiB: it grows with the time.
func (p Argon2Params) work() int64 { return int64(p.MemoryKiB) * int64(p.Passes) }

func argon2id(passphrase, salt []byte, cost Argon2Params) []byte {
	return argon2.IDKey(passphrase, salt, cost.Passes, cost.MemoryKiB, cost.Threads, slotKeyBytes)
}

// normalized returns the passphrase in Unicode form NFKC, so that it does not
// matter which keyboard composed an accent. The caller zeroes the result.
func normalized(passphrase []byte) []byte {
	// Room to spare, so that growing leaves no copies behind.
	return norm.NFKC.Append(make([]byte, 0, 4*len(passphrase)), passphrase...)
}

// checkNew refuses a new passphrase that is too easily guessed or that its
// owner could not type again. Error: *PassphraseError.
func checkNew(passphrase []byte) error {
	if len(passphrase) > maxPassphraseBytes {
		return &PassphraseError{fmt.Sprintf("it has more than %d bytes", maxPassphraseBytes)}
	}
	if !utf8.Valid(passphrase) {
		return &PassphraseError{"it is not UTF-8 text"}
	}
	normal := normalized(passphrase)
	defer clear(normal)
	if n := utf8.RuneCount(normal); n < minPassphraseRunes {
		return &PassphraseError{fmt.Sprintf("it needs at least %d characters", minPassphraseRunes)}
	}
	different := map[rune]bool{}
	for rest := normal; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		different[r] = true
		if unicode.IsControl(r) {
			return &PassphraseError{"it has a line break or another control character in it"}
		}
	}
	if len(different) < minDifferentRunes {
		return &PassphraseError{fmt.Sprintf("it needs at least %d different characters", minDifferentRunes)}
	}
	return nil
}
