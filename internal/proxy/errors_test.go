package proxy

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

// An error answer to mail counts, as it may have been sent, but where the
// provider says that nothing was done. One to a question counts as nothing.
func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	statuses := map[int]int64{ // that mail counts as
		400: 1, 401: 0, 402: 1, 403: 1, 404: 1, 407: 0, 409: 1, 422: 1, 429: 1, 500: 1, 501: 0, 502: 1, 503: 0, 504: 1, 505: 0,
	}
	for status, counted := range statuses {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, noKeys)
			for name, row := range map[string]struct {
				path, body string
				counted    int64
			}{
				"mail:resend": {"/r/mail/resend/emails", mail, counted},
				resource:      {chatPath, question, 0},
			} {
				place := b.addKey(name, "work", vault.Arrangement{}, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(status)
					fmt.Fprint(w, `{"name":"no","message":"no","error":{"message":"no"}}`)
				})
				a := b.pair(policy.Document{Resource: name, Limits: []policy.Limit{{Per: policy.Lifetime, Requests: 9}}})
				got := b.do(a.request("POST", row.path, row.body))
				if got.status < 400 || place.asked.Load() != 1 {
					t.Errorf("%s: status %d after %d requests", name, got.status, place.asked.Load())
				}
				b.eventually("the request has ended", func() bool { return len(b.recorded(audit.RequestEnded, got.id())) == 1 })
				granted, err := b.pairing.Permission(a.id, name)
				b.must(err)
				if l := b.ledger.Limits(granted.ID, granted.Document); l[0].Used != row.counted || l[0].Held != 0 {
					t.Errorf("%s: %d requests are counted, want %d; %d are held", name, l[0].Used, row.counted, l[0].Held)
				}
			}
		})
	}
}
