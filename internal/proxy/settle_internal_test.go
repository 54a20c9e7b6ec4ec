package proxy

import (
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/store"
)

// A provider that adds input of its own, turn after turn, reports the first
// turn's first. Cut off after that, the rest may have been read as well.
func TestUnknownInputIsNotWhatWasReportedFirst(t *testing.T) {
	t.Parallel()
	db, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	ledger, err := policy.NewLedger(policy.LedgerConfig{Store: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	for unknown, want := range map[bool]int64{true: 1000, false: 10} {
		d := policy.Document{Resource: "llm:anthropic", Limits: []policy.Limit{{Per: policy.Lifetime, Tokens: manyTokens}}}
		asked := policy.Request{
			AppStatus: "active", Resource: d.Resource, Action: "messages", Model: "m", Choices: 1, OutputTokens: 5,
			InputTokens: 10, InputUnknown: unknown, Stream: true, Time: time.Now(), Rate: &price.Rate{MaxContext: 1000},
		}
		r, err := ledger.Reserve("per_"+map[bool]string{true: "unknown", false: "known"}[unknown], d, asked)
		if err != nil {
			t.Fatal(err)
		}
		x := &exchange{aim: aim{facts: asked, reservation: r}}
		u := policy.Usage{InputTokens: 10}
		x.estimate(&u)
		if u.InputTokens != want {
			t.Errorf("unknown input %v: %d tokens are charged, want %d", unknown, u.InputTokens, want)
		}
		r.Release()
	}
}
