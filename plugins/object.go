package plugins

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a body that [ParseObject] reads.
const (
	MaxObjectBytes = 64 << 20
	MaxObjectDepth = 128     // objects and arrays within each other
	maxObjectNames = 1 << 18 // member names in the whole document, which a reader must remember
	maxNameBytes   = 128     // a top-level member name
)

// Object is one JSON object read strictly, whose top-level members can be read
// and replaced without touching any other byte.
type Object struct {
	data    []byte
	members []member
}

type member struct {
	name       string
	start, end int // of the value in data
}

// ParseObject reads data as one JSON object (RFC 8259) that every reader must
// understand alike. It refuses duplicate names at any depth, invalid UTF-8 and
// lone surrogates, a byte order mark, anything after the object, more than
// [MaxObjectDepth] levels, and top-level names written with escapes or control
// characters.
//
// critical are the names the caller decides by. A top-level name that a lenient
// reader may take for one of them (other case, other separators: Model,
// maxTokens) is refused too. Errors are *[Error].
//
// The object refers to data, which must not be changed; edits make copies.
func ParseObject(data []byte, critical ...string) (*Object, error) {
	if len(data) > MaxObjectBytes {
		return nil, Invalid("", fmt.Sprintf("the body is larger than %d bytes", MaxObjectBytes))
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, Invalid("", "the body is empty; send a JSON object")
	}
	p := objectParser{data: data, dec: jsontext.NewDecoder(bytes.NewBuffer(data)), lookalikes: lookalikes(critical)}
	members, err := p.object()
	if err != nil {
		return nil, err
	}
	return &Object{data: data, members: members}, nil
}

type objectParser struct {
	data       []byte
	dec        *jsontext.Decoder
	lookalikes map[string]string // squashed name -> the critical name
	names      int
}

func (p *objectParser) object() ([]member, error) {
	open, err := p.dec.ReadToken()
	if err != nil {
		return nil, p.syntax(err)
	}
	if open.Kind() != '{' {
		return nil, Invalid("", "the body must be a JSON object")
	}
	var members []member
	for p.dec.PeekKind() != '}' {
		m, err := p.member()
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return nil, p.syntax(err)
	}
	if _, err := p.dec.ReadToken(); err != io.EOF {
		return nil, Invalid("", "the body goes on after its JSON object")
	}
	return members, nil
}

func (p *objectParser) member() (member, error) {
	token, err := p.dec.ReadToken()
	if err != nil {
		return member{}, p.syntax(err)
	}
	m := member{name: token.String()}
	if err := p.checkName(m.name); err != nil {
		return member{}, err
	}
	switch p.dec.PeekKind() {
	case '{', '[':
		m.start, err = p.nested()
	default:
		var value jsontext.Value
		value, err = p.dec.ReadValue()
		m.start = int(p.dec.InputOffset()) - len(value)
	}
	if err != nil {
		return member{}, p.syntax(err)
	}
	m.end = int(p.dec.InputOffset())
	return m, nil
}

// checkName refuses what one reader could take for another name.
func (p *objectParser) checkName(name string) error {
	if p.names++; p.names > maxObjectNames {
		return errTooManyNames
	}
	if len(name) > maxNameBytes || strings.ContainsFunc(name, unicode.IsControl) {
		return Invalid("", fmt.Sprintf("a top-level member name is longer than %d bytes or holds control characters", maxNameBytes))
	}
	end := int(p.dec.InputOffset())
	if start := end - len(name) - 2; start < 0 || string(p.data[start:end]) != `"`+name+`"` {
		return Invalid(name, "top-level member names must be written without escapes")
	}
	if want, critical := p.lookalikes[squash(name)]; critical && want != name {
		return Invalid(name, fmt.Sprintf("a member must not be mistakable for %q; leave it out or write it exactly so", want))
	}
	return nil
}

var (
	errTooDeep      = Invalid("", fmt.Sprintf("the body nests deeper than %d levels", MaxObjectDepth))
	errTooManyNames = Invalid("", fmt.Sprintf("the body has more than %d members", maxObjectNames))
)

// nested walks the object or array that comes next and returns where it starts.
func (p *objectParser) nested() (start int, err error) {
	if _, err := p.dec.ReadToken(); err != nil {
		return 0, err
	}
	start = int(p.dec.InputOffset()) - 1
	for p.dec.StackDepth() > 1 {
		if p.dec.StackDepth() > MaxObjectDepth {
			return 0, errTooDeep
		}
		if _, err := p.dec.ReadToken(); err != nil {
			return 0, err
		}
		if kind, n := p.dec.StackIndex(p.dec.StackDepth()); kind == '{' && n%2 == 1 {
			if p.names++; p.names > maxObjectNames {
				return 0, errTooManyNames
			}
		}
	}
	return start, nil
}

// syntax puts a decoder's error into words that quote no value.
func (p *objectParser) syntax(err error) error {
	var ours *Error
	if errors.As(err, &ours) {
		return ours
	}
	problem := "the body is not valid JSON"
	if errors.Is(err, jsontext.ErrDuplicateName) {
		problem = "the body has the same member twice"
	}
	var syntactic *jsontext.SyntacticError
	if !errors.As(err, &syntactic) {
		return Invalid("", problem)
	}
	at := strings.Join(slices.Collect(syntactic.JSONPointer.Tokens()), ".")
	if len(at) > maxNameBytes || !printable(at) {
		at = ""
	}
	return Invalid(at, fmt.Sprintf("%s, at byte %d", problem, syntactic.ByteOffset))
}

// lookalikes maps the squashed form of each critical name to the name.
func lookalikes(critical []string) map[string]string {
	m := make(map[string]string, len(critical))
	for _, name := range critical {
		m[squash(name)] = name
	}
	return m
}

// squash reduces a name to what the most lenient readers compare: letters and
// digits, whatever their case. It folds as encoding/json does, so that "ſtream"
// (long s) and "toolſ" are seen through.
func squash(name string) string {
	var b strings.Builder
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		b.WriteRune(least)
	}
	return b.String()
}

// Mistakable reports whether a lenient reader may take name for one of critical,
// by itself or in another case or with other separators.
func Mistakable(name string, critical ...string) bool {
	_, ok := lookalikes(critical)[squash(name)]
	return ok
}

// Bytes is the object's text, with all edits made.
func (o *Object) Bytes() []byte { return o.data }

// Names lists the top-level members in the order of the text.
func (o *Object) Names() []string {
	names := make([]string, len(o.members))
	for i, m := range o.members {
		names[i] = m.name
	}
	return names
}

// Value is a member's raw text; false when it is absent. A null is a value.
func (o *Object) Value(name string) (jsontext.Value, bool) {
	i := o.index(name)
	if i < 0 {
		return nil, false
	}
	m := o.members[i]
	return jsontext.Value(o.data[m.start:m.end:m.end]), true
}

func (o *Object) index(name string) int {
	return slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
}

// Set replaces the value of a top-level member, or adds the member after the
// last one. Every other byte stays as it is. value must be one valid JSON value.
func (o *Object) Set(name string, value jsontext.Value) error {
	if !value.IsValid() {
		return Invalid(name, "the new value is not valid JSON")
	}
	if i := o.index(name); i >= 0 {
		m := o.members[i]
		o.splice(m.start, m.end, value)
		for j := range o.members[i+1:] {
			o.members[i+1+j].start += len(value) - (m.end - m.start)
			o.members[i+1+j].end += len(value) - (m.end - m.start)
		}
		o.members[i].end = m.start + len(value)
		return nil
	}
	at, prefix := bytes.IndexByte(o.data, '{')+1, ""
	if n := len(o.members); n > 0 {
		at, prefix = o.members[n-1].end, ","
	}
	quoted, err := jsontext.AppendQuote([]byte(prefix), name)
	if err != nil {
		return Invalid("", "the new member's name is not valid UTF-8")
	}
	quoted = append(quoted, ':')
	o.splice(at, at, append(quoted, value...))
	start := at + len(quoted)
	o.members = append(o.members, member{name: name, start: start, end: start + len(value)})
	return nil
}

func (o *Object) splice(start, end int, text []byte) {
	o.data = slices.Concat(o.data[:start], text, o.data[end:])
}

// String reads a string member; false when it is absent or null. Another type
// is an *[Error].
func (o *Object) String(name string) (string, bool, error) {
	value, ok := o.given(name)
	if !ok {
		return "", false, nil
	}
	if value.Kind() != '"' {
		return "", false, Invalid(name, name+" must be a string")
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return "", false, Invalid(name, name+" must be a string")
	}
	return string(text), true, nil
}

// Bool reads a boolean member; false, false when it is absent or null.
func (o *Object) Bool(name string) (value, ok bool, err error) {
	raw, ok := o.given(name)
	if !ok {
		return false, false, nil
	}
	if raw.Kind() != 't' && raw.Kind() != 'f' {
		return false, false, Invalid(name, name+" must be true or false")
	}
	return raw.Kind() == 't', true, nil
}

// Int reads a whole number of at least 1 and at most limit; false when it is
// absent or null. Only plain digits are numbers here: readers disagree about
// what 1e3 or 2.0 is where an integer is wanted.
func (o *Object) Int(name string, limit int64) (int64, bool, error) {
	raw, ok := o.given(name)
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || raw.Kind() != '0' || n < 1 || n > limit {
		return 0, false, Invalid(name, fmt.Sprintf("%s must be a whole number from 1 to %d", name, limit))
	}
	return n, true, nil
}

// Len counts the elements of an array member; false when it is absent or null.
func (o *Object) Len(name string) (int, bool, error) {
	raw, ok := o.given(name)
	if !ok {
		return 0, false, nil
	}
	if raw.Kind() != '[' {
		return 0, false, Invalid(name, name+" must be an array")
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw))
	_, err := dec.ReadToken()
	n := 0
	for ; err == nil && dec.PeekKind() != ']'; n++ {
		err = dec.SkipValue()
	}
	if err != nil {
		return 0, false, Invalid(name, name+" must be an array")
	}
	return n, true, nil
}

// Object reads an object member with the strictness of [ParseObject]; false when
// it is absent or null. Edits to it do not reach o.
func (o *Object) Object(name string, critical ...string) (*Object, bool, error) {
	raw, ok := o.given(name)
	if !ok {
		return nil, false, nil
	}
	if raw.Kind() != '{' {
		return nil, false, Invalid(name, name+" must be an object")
	}
	inner, err := ParseObject(raw, critical...)
	if err != nil {
		return nil, false, err
	}
	return inner, true, nil
}

// given is a member's value unless it is absent or null.
func (o *Object) given(name string) (jsontext.Value, bool) {
	raw, ok := o.Value(name)
	return raw, ok && raw.Kind() != 'n'
}
