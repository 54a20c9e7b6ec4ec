package audit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const block = 64 << 10

// found is one line as it stands in the file, without its newline.
type found struct {
	text   []byte // nil when the line is longer than maxLine
	length int64
}

// backwards yields the lines of a file from its end to its beginning, in
// blocks. The first one is what follows the last newline: nothing, unless the
// file ends in a torn line.
type backwards struct {
	r   io.ReaderAt
	end int64 // everything from here on was yielded

	buf  []byte // file bytes [start, start+len(buf))
	from int64  // start of buf
}

// previous returns the line that ends at b.end. Error: io.EOF together with
// the first line of the file.
func (b *backwards) previous() (found, error) {
	end := b.end
	for pos := end; ; {
		if pos == 0 {
			b.end = 0
			line, err := b.line(0, end)
			return line, errors.Join(err, io.EOF)
		}
		start := max(0, pos-block)
		chunk, err := b.read(start, pos)
		if err != nil {
			return found{}, err
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			b.end = start + int64(i)
			return b.line(b.end+1, end)
		}
		pos = start
	}
}

func (b *backwards) line(start, end int64) (found, error) {
	line := found{length: end - start}
	if line.length > maxLine {
		return line, nil
	}
	text, err := b.read(start, end)
	line.text = bytes.Clone(text)
	return line, err
}

// read returns bytes [start, end), from the block at hand if it has them. The
// result holds until the next read.
func (b *backwards) read(start, end int64) ([]byte, error) {
	if start < b.from || end > b.from+int64(len(b.buf)) {
		from := max(0, end-max(block, end-start))
		buf := make([]byte, end-from)
		if n, err := b.r.ReadAt(buf, from); n < len(buf) {
			return nil, err
		}
		b.buf, b.from = buf, from
	}
	return b.buf[start-b.from : end-b.from], nil
}

// eachLine calls fn with each line, its newline included; a line longer than
// maxLine is cut to maxLine bytes, and the rest of it passed over.
func eachLine(r io.Reader, fn func(raw []byte) error) error {
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		raw, err := lines.ReadSlice('\n')
		if len(raw) > 0 {
			if err := fn(raw); err != nil {
				return err
			}
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
