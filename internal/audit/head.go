package audit

import (
	"crypto/hmac"
	"fmt"
	"strconv"
	"strings"
)

// The head file is one line of fixed length, so that one write at offset 0
// replaces it whole: the mark, a 20-digit number, the MAC of that line, and
// the MAC of all that.
const (
	headMark   = "keywicket-audit-head-1 "
	headDigits = 20
	headSigned = len(headMark) + headDigits + 1 + macChars
	headBytes  = headSigned + 1 + macChars + 1
)

// noMAC stands for the MAC of the line before the first.
var noMAC = sum([]byte(strings.Repeat("-", macChars)))

// writeHead notes the last line beside the log.
func (l *Log) writeHead() error {
	l.headBuffer = l.chain.encodeHead(l.headBuffer[:0], l.at)
	n, err := l.head.WriteAt(l.headBuffer, 0)
	if err == nil && n < headBytes {
		err = fmt.Errorf("wrote %d of %d bytes of %s", n, headBytes, headFile)
	}
	l.headStale = err != nil
	return err
}

// encodeHead appends the head file's line to dst, which is empty.
func (c chain) encodeHead(dst []byte, at position) []byte {
	mac := at.mac
	if mac == (sum{}) {
		mac = noMAC
	}
	const zeros = "00000000000000000000" // headDigits of them
	var space [headDigits]byte
	number := strconv.AppendInt(space[:0], at.seq, 10)
	head := append(dst, headMark...)
	head = append(append(head, zeros[len(number):]...), number...)
	head = append(append(head, ' '), mac[:]...)
	tag := c.sum(head)
	return append(append(append(head, ' '), tag[:]...), '\n')
}

// readHead returns the noted last line; false when there is none, or when it
// is not ours.
func (c chain) readHead(f file) (position, bool) {
	raw := make([]byte, headBytes)
	if n, _ := f.ReadAt(raw, 0); n < headBytes {
		return position{}, false
	}
	signed, tag := raw[:headSigned], raw[headSigned+1:headBytes-1]
	if want := c.sum(signed); !hmac.Equal(want[:], tag) {
		return position{}, false
	}
	number, mac, _ := strings.Cut(strings.TrimPrefix(string(signed), headMark), " ")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seq < 0 || len(mac) != macChars {
		return position{}, false
	}
	at := position{seq: seq, mac: sum([]byte(mac))}
	if at.mac == noMAC {
		at.mac = sum{}
	}
	return at, true
}
