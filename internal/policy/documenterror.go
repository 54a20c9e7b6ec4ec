package policy

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DocumentError is a document refused, and where.
type DocumentError struct {
	Path    string // for example limits[1].requests; "" is the document itself
	Problem string // for example "must be at least 1"
}

// Error is the path and the problem.
func (e *DocumentError) Error() string {
	if e.Path == "" {
		return "policy document: " + e.Problem
	}
	return e.Path + ": " + e.Problem
}

func refuse(path, format string, args ...any) error {
	return &DocumentError{Path: path, Problem: fmt.Sprintf(format, args...)}
}

// explain turns a decoding error into a refusal with a path. What is the thing
// that was to be read.
func explain(err error, what string) error {
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		at := wrong.JSONPointer
		if !errors.Is(wrong.Err, json.ErrUnknownName) {
			return refuse(path(at), "must be %s", expected(wrong.GoType))
		}
		return refuse(path(at), "is not a member of %s", what)
	}
	if broken, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return refuse(path(broken.JSONPointer), "appears twice")
		}
		return refuse(path(broken.JSONPointer), "is not valid JSON (at byte %d)", broken.ByteOffset)
	}
	return refuse("", "is not valid JSON")
}

func expected(t reflect.Type) string {
	if t == nil {
		return "of another type"
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return "a time such as 2026-12-31T23:59:59Z"
	case reflect.TypeFor[amountText]():
		return `an amount of dollars in quotes, such as "1.50"`
	}
	switch t.Kind() {
	case reflect.Pointer:
		return expected(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}

// path writes a JSON pointer (RFC 6901) the way people write paths. Names can
// be anybody's text, so odd or long ones are quoted and cut.
func path(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case isIndex(token):
			b.WriteString("[" + token + "]")
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		b.WriteString(plain(token))
	}
	return b.String()
}

func isIndex(token string) bool {
	return token != "" && len(token) <= 6 && strings.Trim(token, "0123456789") == ""
}

// plain shows text that somebody else chose: quoted when it has anything but
// visible ASCII, and cut.
func plain(text string) string {
	const most = 64
	cut := text
	if len(cut) > most {
		cut = cut[:most]
	}
	if cut != "" && visible(cut) {
		if len(text) > most {
			cut += "..."
		}
		return cut
	}
	return strconv.QuoteToASCII(cut)
}

// visible says that text is printable ASCII without spaces, quotes included.
func visible(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
