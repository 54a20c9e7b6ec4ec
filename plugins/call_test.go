package plugins

import (
	"net/http"
	"testing"
)

func TestWhatMayBeMadeOnceMore(t *testing.T) {
	t.Parallel()
	known := http.Header{"Idempotency-Key": {"k"}}
	for name, row := range map[string]struct {
		call Call
		want bool
	}{
		"reading":                    {Call{Method: "GET"}, true},
		"a chat":                     {Call{Method: "POST", Harmless: true}, true},
		"a chat the provider keeps":  {Call{Method: "POST", Harmless: true, Facts: Facts{InputUnknown: true}, Header: known}, false},
		"mail":                       {Call{Method: "POST", Facts: Facts{Mail: &Mail{}}}, false},
		"mail the provider knows":    {Call{Method: "POST", Facts: Facts{Mail: &Mail{}}, Header: known}, true},
		"anything else":              {Call{Method: "POST"}, false},
		"anything else, with a name": {Call{Method: "POST", Header: known}, false},
	} {
		if got := row.call.Repeatable(); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}
