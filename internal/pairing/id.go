package pairing

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID returns prefix_ and 128 random bits.
func (p *Pairing) newID(prefix string) (string, error) {
	raw, err := p.random(16)
	return prefix + "_" + lowerBase32.EncodeToString(raw), err
}

// newSecret returns 256 random bits, base64url: a pairing code, device code or
// refresh token.
func (p *Pairing) newSecret() (string, error) {
	raw, err := p.random(32)
	return base64.RawURLEncoding.EncodeToString(raw), err
}

func (p *Pairing) random(n int) ([]byte, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(p.cfg.Rand, raw); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	return raw, nil
}

// hashOf is what is kept of a secret. The secrets have 256 random bits, so a
// plain hash cannot be searched, and looking one up by it leaks nothing that
// would help to guess another.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// userCodeAlphabet has no vowels, so that no code reads as a word, and nothing
// that looks like a digit (RFC 8628 section 6.1): 20^8 codes, 34 bits.
const userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"

// newUserCode returns a code that no consent request now has, as XXXX-XXXX.
func (p *Pairing) newUserCode(l *live) (string, error) {
	for range 16 { // a second draw is needed about once in 10^8 times
		code, err := p.drawUserCode()
		if err != nil {
			return "", err
		}
		if l.byUserCode(code) == nil {
			return code, nil
		}
	}
	return "", errors.New("drawing a user code: the randomness repeats itself")
}

func (p *Pairing) drawUserCode() (string, error) {
	const fair = 256 - 256%len(userCodeAlphabet)
	var code strings.Builder
	for code.Len() < 9 {
		if code.Len() == 4 {
			code.WriteByte('-')
		}
		b, err := p.random(1)
		if err != nil {
			return "", err
		}
		if int(b[0]) < fair {
			code.WriteByte(userCodeAlphabet[int(b[0])%len(userCodeAlphabet)])
		}
	}
	return code.String(), nil
}

// normalUserCode is a code as a person may type it, brought into the form in
// which it was made; empty when it cannot be one.
func normalUserCode(typed string) string {
	if len(typed) > 32 {
		return ""
	}
	code := strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(typed))
	if len(code) != 8 {
		return ""
	}
	return code[:4] + "-" + code[4:]
}
