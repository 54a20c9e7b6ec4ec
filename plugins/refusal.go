package plugins

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// refusal finds out why a text is refused, which it does token by token, so that
// its bounds hold while it reads.
type refusal struct {
	data     []byte
	dec      *jsontext.Decoder
	critical []string
	names    int
}

func newRefusal(data []byte, critical []string) *refusal {
	return &refusal{data: data, dec: jsontext.NewDecoder(bytes.NewBuffer(data)), critical: slices.Clone(critical)}
}

// errInvalid stands for what the text says, should nothing be found wrong in it.
var errInvalid = Invalid("", "the body is not valid JSON")

// ofObject says why the text is not one object that every reader must understand
// alike.
func (r *refusal) ofObject() error {
	open, err := r.dec.ReadToken()
	if err != nil {
		return r.syntax(err)
	}
	if open.Kind() != '{' {
		return Invalid("", "the body must be a JSON object")
	}
	for r.dec.PeekKind() != '}' {
		if err := r.ofMember(); err != nil {
			return r.syntax(err)
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	return r.ofEnd("the body goes on after its JSON object")
}

// ofValue says the same of a text that may be any value, without looking at
// names for their spelling.
func (r *refusal) ofValue() error {
	if err := r.value(); err != nil {
		return r.syntax(err)
	}
	return r.ofEnd("the body goes on after its JSON value")
}

func (r *refusal) ofEnd(problem string) error {
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return Invalid("", problem)
	}
	return errInvalid
}

func (r *refusal) ofMember() error {
	token, err := r.dec.ReadToken()
	if err != nil {
		return err
	}
	if err := r.checkName(token.String()); err != nil {
		return err
	}
	return r.value()
}

// checkName refuses what one reader could take for another name.
func (r *refusal) checkName(name string) error {
	if r.names++; r.names > maxObjectNames {
		return errTooManyNames
	}
	if len(name) > maxNameBytes || strings.ContainsFunc(name, unicode.IsControl) {
		return Invalid("", fmt.Sprintf("a top-level member name is longer than %d bytes or holds control characters", maxNameBytes))
	}
	end := int(r.dec.InputOffset())
	if start := end - len(name) - 2; start < 0 || string(r.data[start:end]) != `"`+name+`"` {
		return Invalid(name, "top-level member names must be written without escapes")
	}
	if want, is := mistaken(name, r.critical); is {
		return Invalid(name, fmt.Sprintf("a member must not be mistakable for %q; leave it out or write it exactly so", want))
	}
	return nil
}

var (
	errTooDeep      = Invalid("", fmt.Sprintf("the body nests deeper than %d levels", MaxObjectDepth))
	errTooManyNames = Invalid("", fmt.Sprintf("the body has more than %d members", maxObjectNames))
)

// value walks the value that comes next.
func (r *refusal) value() error {
	if kind := r.dec.PeekKind(); kind != '{' && kind != '[' {
		_, err := r.dec.ReadValue()
		return err
	}
	outside := r.dec.StackDepth()
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.StackDepth() > outside {
		if r.dec.StackDepth() > MaxObjectDepth {
			return errTooDeep
		}
		if _, err := r.dec.ReadToken(); err != nil {
			return err
		}
		if kind, n := r.dec.StackIndex(r.dec.StackDepth()); kind == '{' && n%2 == 1 {
			if r.names++; r.names > maxObjectNames {
				return errTooManyNames
			}
		}
	}
	return nil
}

// syntax puts a decoder's error into words that quote no value.
func (r *refusal) syntax(err error) error {
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
