package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// A recovery code is 128 bits in base 32 (26 characters, the last two bits
// zero) and two check digits, in seven groups of four:
//
//	7KQ2-9MXD-41TB-ZC0P-6R8W-HV3N-0A5E
//
// The digits are Crockford's: no I, L, O or U, so that nothing is taken for
// something else; when typed, I and L count as 1 and O as 0. The check digits
// are a Reed-Solomon code over GF(32): any two wrong characters, and any two
// that changed places, are found.
const (
	recoveryBytes  = 16
	recoveryDigits = 26
	recoveryLength = recoveryDigits + 2
	recoveryGroup  = 4

	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// formatRecoveryCode renders 16 bytes.
func formatRecoveryCode(secret []byte) []byte {
	var digits [recoveryLength]byte
	for i := range recoveryBytes * 8 {
		bit := secret[i/8] >> (7 - i%8) & 1
		digits[i/5] |= bit << (4 - i%5)
	}
	digits[recoveryDigits], digits[recoveryDigits+1] = checkDigits(digits[:recoveryDigits])
	defer clear(digits[:])
	text := make([]byte, 0, recoveryLength+recoveryLength/recoveryGroup)
	for i, d := range digits {
		if i > 0 && i%recoveryGroup == 0 {
			text = append(text, '-')
		}
		text = append(text, crockford[d])
	}
	return text
}

// parseRecoveryCode reads a code as somebody typed it: any case, with or
// without dashes and spaces. It computes nothing costly.
// Errors: ErrMistypedCode, wrapped.
func parseRecoveryCode(text []byte) ([]byte, error) {
	var digits [recoveryLength]byte
	defer clear(digits[:])
	n := 0
	for _, c := range text {
		if c == '-' || c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			continue
		}
		d, ok := crockfordDigit(c)
		if !ok {
			return nil, fmt.Errorf("%w: it has a character that no code has", ErrMistypedCode)
		}
		if n < recoveryLength {
			digits[n] = d
		}
		n++
	}
	if n != recoveryLength {
		return nil, fmt.Errorf("%w: it has %d characters of %d", ErrMistypedCode, n, recoveryLength)
	}
	first, second := checkDigits(digits[:recoveryDigits])
	if first != digits[recoveryDigits] || second != digits[recoveryDigits+1] || digits[recoveryDigits-1]&3 != 0 {
		return nil, fmt.Errorf("%w: its check digits do not fit", ErrMistypedCode)
	}
	secret := make([]byte, recoveryBytes)
	for i := range recoveryBytes * 8 {
		secret[i/8] |= digits[i/5] >> (4 - i%5) & 1 << (7 - i%8)
	}
	return secret, nil
}

func crockfordDigit(c byte) (byte, bool) {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch c {
	case 'I', 'L':
		c = '1'
	case 'O':
		c = '0'
	}
	for d := range len(crockford) {
		if crockford[d] == c {
			return byte(d), true
		}
	}
	return 0, false
}

// checkDigits divides the digits, as a polynomial over GF(32), by
// (x+a)(x+a²) = x²+6x+8, a the field's generator, 2: the remainder's two
// coefficients.
func checkDigits(digits []byte) (first, second byte) {
	for _, d := range digits {
		lead := d ^ first
		first = second ^ times(lead, 6)
		second = times(lead, 8)
	}
	return first, second
}

// times multiplies in GF(32) modulo x⁵+x²+1.
func times(a, b byte) (product byte) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			product ^= a
		}
		if a <<= 1; a&32 != 0 {
			a ^= 0b100101
		}
	}
	return product
}

// recoverySlotKey derives a slot's key from a code's 128 bits (RFC 5869). They
// need no slow derivation: nobody guesses them.
func recoverySlotKey(secret, salt []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, salt, "keywicket vault recovery code", slotKeyBytes)
}
