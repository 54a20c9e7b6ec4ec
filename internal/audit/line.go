package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"sync"
)

// maxLine bounds a line, its newline included. Bounded events stay far below.
const maxLine = 64 << 10

var (
	errNotALine = errors.New("is not an audit line")
	errChanged  = errors.New("was changed after it was written")
)

// position is a place in the chain: a line's number and MAC. The zero position
// is before the first line.
type position struct {
	seq int64
	mac sum
}

// sum is a MAC in base64url. The zero sum stands for that of the line before
// the first.
type sum [macChars]byte

// String is what the next line holds as its "prev".
func (s *sum) String() string { return string(s.bytes()) }

func (s *sum) bytes() []byte {
	if *s == (sum{}) {
		return nil
	}
	return s[:]
}

// line is what a MAC covers: the event and the MAC of the line before.
type line struct {
	Event
	Prev string `json:"prev"`
}

type chain struct {
	key  []byte
	macs *sync.Pool // of *mac, keyed; nil makes them anew
}

// mac computes one sum after the other.
type mac struct {
	hash hash.Hash
	raw  [sha256.Size]byte
}

func newChain(key []byte) chain {
	c := chain{key: append([]byte(nil), key...)}
	c.macs = &sync.Pool{New: func() any { return c.newMAC() }}
	return c
}

func (c chain) newMAC() *mac { return &mac{hash: hmac.New(sha256.New, c.key)} }

// The MAC is the last member and of fixed length, so that it is cut off and
// checked over the very bytes in the file: no second encoding, no doubt.
const (
	macOpen   = `,"mac":"`
	macClose  = `"}`
	macChars  = 43 // base64url of 32 bytes
	macMember = len(macOpen) + macChars + len(macClose)
)

// encode appends the event as the line after at.
func (c chain) encode(dst []byte, e *Event, at position) (raw []byte, next position, err error) {
	e.Seq = at.seq + 1
	start := len(dst)
	if dst, err = appendLine(dst, e, at.mac.bytes()); err != nil {
		return nil, position{}, err
	}
	next = position{seq: e.Seq, mac: c.sum(dst[start:])}
	dst = append(dst[:len(dst)-1], macOpen...)
	dst = append(append(append(dst, next.mac[:]...), macClose...), '\n')
	if len(dst)-start > maxLine {
		return nil, position{}, errors.New("event is too long")
	}
	return dst, next, nil
}

// decode reads a line, without its newline. Errors: errNotALine; errChanged,
// and then the line is what the file says.
func (c chain) decode(raw []byte) (line, position, error) {
	body, mac, ok := cutMAC(raw)
	if !ok {
		return line{}, position{}, errNotALine
	}
	var ln line
	if err := json.Unmarshal(body, &ln); err != nil || ln.Seq < 1 {
		return line{}, position{}, errNotALine
	}
	at := position{seq: ln.Seq, mac: mac}
	if want := c.sum(body); !hmac.Equal(want[:], mac[:]) {
		return ln, at, errChanged
	}
	return ln, at, nil
}

func cutMAC(raw []byte) (body []byte, mac sum, ok bool) {
	cut := len(raw) - macMember
	if cut < 1 || len(raw) >= maxLine {
		return nil, mac, false
	}
	tail, opened := bytes.CutPrefix(raw[cut:], []byte(macOpen))
	tail, closed := bytes.CutSuffix(tail, []byte(macClose))
	if !opened || !closed {
		return nil, mac, false
	}
	body = append(append(make([]byte, 0, cut+1), raw[:cut]...), '}')
	return body, sum(tail), true
}

func (c chain) sum(data []byte) sum {
	if c.macs == nil {
		return c.newMAC().of(data)
	}
	m := c.macs.Get().(*mac)
	defer c.macs.Put(m)
	return m.of(data)
}

func (m *mac) of(data []byte) (s sum) {
	m.hash.Reset()
	m.hash.Write(data)
	base64.RawURLEncoding.Encode(s[:], m.hash.Sum(m.raw[:0]))
	return s
}
