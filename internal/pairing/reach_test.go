package pairing_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// Who lists no actions gains them all; who lists some, those; and nobody whose
// access is over, or to something else.
func TestReaching(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	whole, part := g.pair(), g.pair(policy.Document{Resource: "llm:openai", Actions: []string{"models.list", "chat.completions"}})
	g.pair(policy.Document{Resource: "mail:resend"})
	g.must(g.Suspend(g.pair(policy.Document{Resource: "mail:resend"}).id))
	g.pair(policy.Document{Resource: "llm:openai", ExpiresAt: g.clock.Now().Add(time.Hour)})
	g.must(g.Revoke(g.pair().id))
	g.clock.Advance(2 * time.Hour)

	want := []pairing.Reach{{AppID: whole.id, AppName: "Notes", Actions: []string{"models.list", "files.delete"}}, {AppID: part.id, AppName: "Notes", Actions: []string{"models.list"}}}
	if part.id < whole.id {
		want[0], want[1] = want[1], want[0]
	}
	if got := g.Reaching("llm:openai", []string{"models.list", "files.delete"}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := g.Reaching("llm:openai", nil); len(got) != 0 {
		t.Errorf("without new actions: %+v", got)
	}
	if got := g.Reaching("mail:resend", []string{"emails.send"}); len(got) != 2 {
		t.Errorf("a suspended app may be resumed: %+v", got)
	}
}
