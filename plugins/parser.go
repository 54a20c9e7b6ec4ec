package plugins

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// objectParser walks a document once, token by token, so that its bounds hold
// while it reads.
type objectParser struct {
	data     []byte
	dec      *jsontext.Decoder
	critical []string
	names    int
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
	if want, is := mistaken(name, p.critical); is {
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
	outside := p.dec.StackDepth()
	if _, err := p.dec.ReadToken(); err != nil {
		return 0, err
	}
	start = int(p.dec.InputOffset()) - 1
	for p.dec.StackDepth() > outside {
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
