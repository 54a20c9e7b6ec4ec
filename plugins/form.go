package plugins

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a form that [ReadForm] reads.
const (
	MaxFormParts     = 128
	MaxFieldBytes    = 1 << 20 // of one field that is no file
	maxFormFields    = 4 << 20 // bytes of all fields
	maxPartHeader    = 4 << 10
	maxFileNameBytes = 255
	formBuffer       = 64 << 10
)

// Form is a body of multipart/form-data (RFC 7578), read strictly and once. The
// files stay where they are: only fields are held in memory.
type Form struct {
	Parts []Part // in the order of the body
}

// Part is a field of a form or a file.
type Part struct {
	Name     string
	File     bool   // it has a file name
	FileName string // without control characters, quotes and slashes
	Type     string // the media type, of a file only; empty when none was given
	Value    []byte // of a field, valid UTF-8; nil for a file
	From     int64  // of the content in the upload, in bytes
	Size     int64  // of the content, in bytes
}

// ReadForm reads the form that upload holds. h are the headers of the request.
// A form that two readers could take for different ones is refused: a repeated
// name (but for names that end in [], which make lists), names and headers with
// escapes or in other encodings, a preamble, an epilogue, lines that end in
// anything but CRLF. critical are the names the caller decides by, as in
// [ParseObject]. Errors are *[Error].
func ReadForm(h http.Header, upload *io.SectionReader, critical ...string) (*Form, error) {
	boundary, err := formBoundary(h)
	if err != nil {
		return nil, err
	}
	r := &formReader{src: io.NewSectionReader(upload, 0, upload.Size()), delimiter: []byte("\r\n--" + boundary)}
	f := &Form{}
	seen := make(map[string]bool)
	fields := 0
	if err := r.open(); err != nil {
		return nil, err
	}
	for {
		part, last, err := r.part()
		if err != nil {
			return nil, err
		}
		if last {
			return f, nil
		}
		if fields += len(part.Value); fields > maxFormFields || len(f.Parts) == MaxFormParts {
			return nil, Invalid("", fmt.Sprintf("the form has more than %d parts or %d bytes of fields", MaxFormParts, maxFormFields))
		}
		if want, is := mistaken(part.Name, critical); is {
			return nil, Invalid(part.Name, fmt.Sprintf("a field must not be mistakable for %q; leave it out or write it exactly so", want))
		}
		if seen[part.Name] && !strings.HasSuffix(part.Name, "[]") {
			return nil, Invalid(part.Name, "the form has the field "+part.Name+" twice")
		}
		seen[part.Name] = true
		f.Parts = append(f.Parts, part)
	}
}

// Value is the text of a field; false when there is none of that name. A file
// of that name is an error.
func (f *Form) Value(name string) (string, bool, error) {
	i := slices.IndexFunc(f.Parts, func(p Part) bool { return p.Name == name })
	switch {
	case i < 0:
		return "", false, nil
	case f.Parts[i].File:
		return "", false, Invalid(name, name+" must be a field, not a file")
	}
	return string(f.Parts[i].Value), true, nil
}

// Pieces is the form written anew, in the gateway's own words and with a
// boundary nobody could foresee: no content can pretend to be a part. The
// content type is the one to send it with.
func (f *Form) Pieces() (pieces []Piece, contentType string) {
	boundary := "keywicket-" + rand.Text()
	var text bytes.Buffer
	flush := func() {
		if text.Len() > 0 {
			pieces = append(pieces, Piece{Text: bytes.Clone(text.Bytes()), Size: int64(text.Len())})
			text.Reset()
		}
	}
	for _, p := range f.Parts {
		fmt.Fprintf(&text, "--%s\r\nContent-Disposition: form-data; name=%q", boundary, p.Name)
		if p.File {
			fmt.Fprintf(&text, "; filename=\"%s\"\r\nContent-Type: %s", p.FileName, p.media())
		}
		text.WriteString("\r\n\r\n")
		if p.File {
			flush()
			pieces = append(pieces, Piece{From: p.From, Size: p.Size})
		} else {
			text.Write(p.Value)
		}
		text.WriteString("\r\n")
	}
	fmt.Fprintf(&text, "--%s--\r\n", boundary)
	flush()
	return pieces, "multipart/form-data; boundary=" + boundary
}

func (p Part) media() string {
	if p.Type == "" {
		return "application/octet-stream"
	}
	return p.Type
}

// formBoundary is the boundary that the one Content-Type names.
func formBoundary(h http.Header) (string, error) {
	types := h.Values("Content-Type")
	if len(types) == 1 {
		media, params, err := mime.ParseMediaType(types[0])
		if err == nil && media == "multipart/form-data" && plainBoundary(params["boundary"]) && len(params) == 1 {
			return params["boundary"], nil
		}
	}
	return "", UnsupportedEncoding("send the body as Content-Type: multipart/form-data with a boundary of letters, digits and dashes")
}

// plainBoundary is RFC 2046 section 5.1.1 without what needs quoting.
func plainBoundary(b string) bool {
	return b != "" && len(b) <= 70 && !strings.ContainsFunc(b, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.'+", r))
	})
}

// partHeader reads the headers of a part: a disposition, and a type perhaps.
func partHeader(text []byte) (Part, error) {
	bad := Invalid("", "a part of the form has headers other than a plain Content-Disposition and Content-Type")
	var p Part
	named := false
	for line := range bytes.SplitSeq(text, []byte("\r\n")) {
		name, value, ok := strings.Cut(string(line), ":")
		value = strings.Trim(value, " ")
		odd := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == utf8.RuneError }
		if !ok || strings.ContainsFunc(value, odd) {
			return Part{}, bad
		}
		switch strings.ToLower(name) {
		case "content-disposition":
			if named || !p.disposition(value) {
				return Part{}, bad
			}
			named = true
		case "content-type":
			media, _, err := mime.ParseMediaType(value)
			if p.Type != "" || err != nil || len(media) > 100 {
				return Part{}, bad
			}
			p.Type = media
		case "content-length": // some clients tell the size; the boundary decides
		default:
			return Part{}, bad
		}
	}
	if !named {
		return Part{}, bad
	}
	return p, nil
}

// disposition reads form-data; name="..."; filename="..." and nothing else: a
// filename* in another encoding would be a second name.
func (p *Part) disposition(value string) bool {
	rest, ok := strings.CutPrefix(value, "form-data")
	for ok && rest != "" {
		var name, text string
		if name, text, rest, ok = parameter(rest); !ok {
			return false
		}
		switch {
		case name == "name" && p.Name == "" && plainName(text):
			p.Name = text
		case name == "filename" && !p.File:
			p.File, p.FileName = true, fileName(text)
		default:
			return false
		}
	}
	return ok && p.Name != ""
}

// parameter takes one ; name="value" from the front of s.
func parameter(s string) (name, value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, ";")
	name, s, ok2 := strings.Cut(strings.TrimLeft(s, " "), `="`)
	value, rest, ok3 := strings.Cut(s, `"`)
	return name, value, strings.TrimLeft(rest, " "), ok && ok2 && ok3
}

func plainName(s string) bool {
	return s != "" && len(s) <= maxNameBytes && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// fileName keeps what a name is for: its ending, and a hint for people.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\"`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
	for len(s) > maxFileNameBytes {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s
}
