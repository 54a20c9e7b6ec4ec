package anthropic

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// asksForAnHour reports whether some of the input may be cached for longer than
// five minutes: any member called ttl, however deep, that says something else.
func asksForAnHour(body *plugins.Object) bool {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body.Bytes()), jsontext.AllowDuplicateNames(true)) // it has been parsed
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return false // its end
		}
		kind, n := dec.StackIndex(dec.StackDepth())
		if kind != '{' || n%2 != 1 || token.String() != "ttl" {
			continue
		}
		switch dec.PeekKind() {
		case '"':
			value, err := dec.ReadToken()
			if err != nil || value.String() != "5m" {
				return true
			}
		case 'n':
		default:
			return true
		}
	}
}

// dearer is what tokens that are written to the one-hour cache count besides
// themselves: they cost 1.6 times what writing costs, rounded up.
func dearer(tokens int64) int64 { return (3*tokens + 4) / 5 }
