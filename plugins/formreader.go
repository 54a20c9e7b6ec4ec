package plugins

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// formReader splits a form at its delimiters, in bounded memory:
//
//	--b CRLF headers CRLF CRLF content CRLF --b CRLF ... CRLF --b-- CRLF
//
// What it takes for a delimiter, every reader must: so one that is followed by
// anything but CRLF or --, and a form with text around its parts, is an error.
type formReader struct {
	src       io.Reader
	delimiter []byte // CRLF, two dashes, the boundary
	store     []byte
	buf       []byte // of store: read and not yet taken
	at        int64  // of buf in the form
	err       error
}

var (
	errForm     = Invalid("", "the body is not a well-formed multipart form with CRLF line ends and nothing around its parts")
	errFormRead = Invalid("", "the body could not be read")
)

// open takes the first delimiter, which has no line end before it.
func (r *formReader) open() error {
	first := r.delimiter[2:]
	if err := r.want(len(first)); err != nil || !bytes.HasPrefix(r.buf, first) {
		return errForm
	}
	r.take(len(first))
	return nil
}

// part takes what follows a delimiter: a part with the delimiter behind it, or
// the end.
func (r *formReader) part() (p Part, last bool, err error) {
	if err := r.want(2); err != nil {
		return Part{}, false, err
	}
	if bytes.HasPrefix(r.buf, []byte("--")) {
		r.take(2)
		return Part{}, true, r.close()
	}
	if !bytes.HasPrefix(r.buf, []byte("\r\n")) {
		return Part{}, false, errForm
	}
	r.take(2)
	header, err := r.header()
	if err != nil {
		return Part{}, false, err
	}
	if p, err = partHeader(header); err != nil {
		return Part{}, false, err
	}
	p.From = r.at
	p.Value, err = r.content(!p.File, p.Name)
	p.Size = r.at - p.From
	if err != nil {
		return Part{}, false, err
	}
	r.take(len(r.delimiter))
	if !p.File && !utf8.Valid(p.Value) {
		return Part{}, false, Invalid(p.Name, "the field "+p.Name+" is not valid UTF-8")
	}
	return p, false, nil
}

// header takes the lines of a part's header and the blank line behind them.
func (r *formReader) header() ([]byte, error) {
	for {
		if i := bytes.Index(r.buf, []byte("\r\n\r\n")); i >= 0 && i <= maxPartHeader {
			text := bytes.Clone(r.buf[:i])
			r.take(i + 4)
			return text, nil
		}
		if len(r.buf) > maxPartHeader {
			return nil, errForm
		}
		if err := r.want(len(r.buf) + 1); err != nil {
			return nil, err
		}
	}
}

// content takes everything up to the next delimiter, and returns it if keep. One
// that begins like a delimiter is an error: some readers, net/http's among them,
// take the line end of the header for the delimiter's.
func (r *formReader) content(keep bool, name string) ([]byte, error) {
	first := r.delimiter[2:]
	if err := r.want(len(first)); err != nil || bytes.HasPrefix(r.buf, first) {
		return nil, errForm
	}
	kept := []byte{}
	for {
		n, found := bytes.Index(r.buf, r.delimiter), true
		if n < 0 {
			n, found = max(0, len(r.buf)-len(r.delimiter)+1), false
		}
		if keep {
			if kept = append(kept, r.buf[:n]...); len(kept) > MaxFieldBytes {
				return nil, Invalid(name, "the field "+name+" is too long")
			}
		}
		r.take(n)
		if found && keep {
			return kept, nil
		}
		if found {
			return nil, nil
		}
		if err := r.want(len(r.delimiter)); err != nil {
			return nil, err
		}
	}
}

// close accepts one line end behind the last delimiter, and nothing more.
func (r *formReader) close() error {
	for r.err == nil && len(r.buf) <= 2 {
		r.fill()
	}
	if (len(r.buf) == 0 || string(r.buf) == "\r\n") && r.err == io.EOF {
		return nil
	}
	return errForm
}

// want makes at least n bytes ready.
func (r *formReader) want(n int) error {
	for len(r.buf) < n {
		if r.err == io.EOF {
			return errForm
		}
		if r.err != nil {
			return errFormRead
		}
		r.fill()
	}
	return nil
}

// fill reads more behind what is left, which is never much: a header or a
// delimiter.
func (r *formReader) fill() {
	if r.store == nil {
		r.store = make([]byte, formBuffer)
	}
	left := copy(r.store, r.buf)
	n, err := r.src.Read(r.store[left:])
	r.buf, r.err = r.store[:left+n], err
}

func (r *formReader) take(n int) {
	r.buf = r.buf[n:]
	r.at += int64(n)
}
