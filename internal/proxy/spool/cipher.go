package spool

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"io"
)

// offsetCipher is AES-256 in counter mode (NIST SP 800-38A section 6.5) that can
// start anywhere. Its key is used for one body, written once, so no part of the
// key stream is used twice. It hides and does not authenticate: whoever can write
// to a file without a name can write to the process.
type offsetCipher struct {
	block cipher.Block
}

func newOffsetCipher(random io.Reader) (*offsetCipher, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	clear(key)
	if err != nil {
		return nil, err
	}
	return &offsetCipher{block: block}, nil
}

// apply encrypts or decrypts data in place, which begins at byte at.
func (c *offsetCipher) apply(data []byte, at int64) {
	var counter [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[8:], uint64(at/aes.BlockSize))
	stream := cipher.NewCTR(c.block, counter[:])
	var skipped [aes.BlockSize]byte
	stream.XORKeyStream(skipped[:at%aes.BlockSize], skipped[:at%aes.BlockSize])
	stream.XORKeyStream(data, data)
}
