package vault

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bind renders associated data: every part with its length before it, so that
// no two different lists of parts give the same bytes.
func bind(purpose string, parts ...string) []byte {
	parts = slices.Concat([]string{"keywicket", strconv.Itoa(format), purpose}, parts)
	size := 0
	for _, part := range parts {
		size += 4 + len(part)
	}
	out := make([]byte, 0, size)
	for _, part := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

func number[T ~int | ~uint8 | ~uint32 | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func instant(t time.Time) string { return number(t.UnixNano()) }

// newID returns the prefix and 128 random bits.
func newID(rand io.Reader, prefix string) (string, error) {
	raw, err := randomBytes(rand, 16)
	if err != nil {
		return "", err
	}
	return prefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)), nil
}

func randomBytes(rand io.Reader, n int) ([]byte, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return nil, fmt.Errorf("reading random bytes: %w", err)
	}
	return raw, nil
}
