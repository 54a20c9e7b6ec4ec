package dpop

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strconv"
)

const (
	journalHeader   = "keywicket replay journal 1"
	maxJournalBytes = 256 << 20 // a longer file is not ours
	maxJournalLine  = 128
)

// journaled is what a journal says.
type journaled struct {
	mark    int64
	newest  int64   // the latest date of any proof line, dropped ones included
	ahead   []dated // the proofs dated after the mark
	damaged bool    // lines may be missing
}

// readJournal reads a journal back; none is an empty one. A last line without its end was cut off by a crash before
// its proof was accepted, and is left out. Any other line that does not read is damage.
func readJournal(path string, maxProofs int) (journaled, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return journaled{}, nil
	}
	if err != nil {
		return journaled{}, err
	}
	defer file.Close()
	return parseJournal(io.LimitReader(file, maxJournalBytes+1), maxProofs)
}

func parseJournal(r io.Reader, maxProofs int) (journaled, error) {
	var found journaled
	reader := bufio.NewReaderSize(r, 64<<10)
	read := 0
	for number := 0; ; number++ {
		line, err := reader.ReadSlice('\n')
		read += len(line)
		if err == io.EOF {
			found.damaged = found.damaged || number == 0 || read > maxJournalBytes ||
				len(line) > maxJournalLine || bytes.IndexByte(line, 0) >= 0
			break
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			found.damaged = true // and what comes next is read on, for its dates
			continue
		}
		if err != nil {
			return journaled{}, err
		}
		line = line[:len(line)-1]
		if number == 0 {
			found.damaged = string(line) != journalHeader
		} else if !found.line(line) || !found.fits(maxProofs) {
			found.damaged = true
		}
	}
	found.prune()
	return found, nil
}

// fits reports whether no more proofs are kept than memory will hold; the rest is let go.
func (f *journaled) fits(maxProofs int) bool {
	if len(f.ahead) <= maxProofs {
		return true
	}
	f.prune()
	if len(f.ahead) <= maxProofs {
		return true
	}
	f.ahead = f.ahead[:maxProofs]
	return false
}

// prune leaves out the proofs that the mark covers.
func (f *journaled) prune() {
	kept := f.ahead[:0]
	for _, proof := range f.ahead {
		if proof.date > f.mark {
			kept = append(kept, proof)
		}
	}
	f.ahead = kept
}

// line takes one line in and reports whether it was whole.
func (f *journaled) line(line []byte) bool {
	body, sum, ok := cutLast(line)
	if !ok || len(sum) != 8 || !bytes.Equal(sum, appendSum(nil, body)) {
		return false
	}
	fields := bytes.Split(body, []byte(" "))
	if len(fields) < 2 {
		return false
	}
	date, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil || date < 0 || date > maxDate {
		return false
	}
	switch {
	case len(fields) == 2 && string(fields[0]) == "m":
		f.mark = max(f.mark, date)
		return true
	case len(fields) == 3 && string(fields[0]) == "p":
		f.newest = max(f.newest, date)
		proof := dated{date: date}
		if len(fields[2]) != strictBase64.EncodedLen(len(proof.id)) {
			return false
		}
		n, err := strictBase64.Decode(proof.id[:], fields[2])
		if err != nil || n != len(proof.id) {
			return false
		}
		f.ahead = append(f.ahead, proof)
		return true
	}
	return false
}

func cutLast(line []byte) (body, last []byte, ok bool) {
	space := bytes.LastIndexByte(line, ' ')
	if space < 0 {
		return nil, nil, false
	}
	return line[:space], line[space+1:], true
}

func appendMark(dst []byte, second int64) []byte {
	start := len(dst)
	dst = strconv.AppendInt(append(dst, "m "...), second, 10)
	return endLine(dst, start)
}

func appendProof(dst []byte, proof dated) []byte {
	start := len(dst)
	dst = strconv.AppendInt(append(dst, "p "...), proof.date, 10)
	dst = base64.RawURLEncoding.AppendEncode(append(dst, ' '), proof.id[:])
	return endLine(dst, start)
}

func endLine(dst []byte, start int) []byte {
	return append(appendSum(append(dst, ' '), dst[start:]), '\n')
}

func appendSum(dst, body []byte) []byte {
	sum := crc32.ChecksumIEEE(body)
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, upperHex[sum>>shift&15])
	}
	return dst
}
