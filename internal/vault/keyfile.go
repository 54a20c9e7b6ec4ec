package vault

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

const (
	keyFileMark  = "keywicket-key-1:"
	keyFileBytes = 32
)

// formatKeyFile renders a key file: one line, the mark and base64url of 256
// bits (RFC 4648 section 5, no padding).
func formatKeyFile(key []byte) []byte {
	text := make([]byte, 0, 64)
	text = append(text, keyFileMark...)
	text = base64.RawURLEncoding.AppendEncode(text, key)
	return append(text, '\n')
}

// parseKeyFile accepts what formatKeyFile wrote, with or without a line break
// at its end, and nothing else. Error: ErrWrongKeyFile, wrapped.
func parseKeyFile(text []byte) ([]byte, error) {
	encoded, ok := bytes.CutPrefix(text, []byte(keyFileMark))
	encoded = bytes.TrimSuffix(bytes.TrimSuffix(encoded, []byte("\n")), []byte("\r"))
	// The length is checked first because decoders pass over line breaks.
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(keyFileBytes) || bytes.ContainsAny(encoded, "\r\n") {
		return nil, fmt.Errorf("%w: it is not a Keywicket key file", ErrWrongKeyFile)
	}
	key := make([]byte, keyFileBytes)
	if _, err := base64.RawURLEncoding.Strict().Decode(key, encoded); err != nil {
		return nil, fmt.Errorf("%w: it is not a Keywicket key file", ErrWrongKeyFile)
	}
	return key, nil
}

// keyFileSlotKey derives a slot's key from the key in a key file (RFC 5869).
func keyFileSlotKey(key, salt []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, key, salt, "keywicket vault key file", slotKeyBytes)
}
