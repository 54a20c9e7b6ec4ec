package proxy

import (
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/store"
	"github.com/keywicket/keywicket/plugins"
)

// newLedger is a ledger of its own, on a store of its own.
func newLedger(t *testing.T) *policy.Ledger {
	t.Helper()
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
	return ledger
}

// A provider that adds input of its own, turn after turn, reports the first
// turn's first. Cut off after that, the rest may have been read as well.
func TestUnknownInputIsNotWhatWasReportedFirst(t *testing.T) {
	t.Parallel()
	ledger := newLedger(t)
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

// metered is a meter that has seen and been told what a test says.
type metered struct {
	plugins.Meter
	reported plugins.Usage
	final    bool
	seen     int64
}

func (m metered) Usage() (plugins.Usage, bool) { return m.reported, m.final }
func (m metered) Final() bool                  { return m.final }
func (m metered) Seen() int64                  { return m.seen }

// What an answer is charged by what was reported, seen and held.
func TestCharge(t *testing.T) {
	t.Parallel()
	ledger := newLedger(t)
	d := policy.Document{Resource: "llm:openai", Limits: []policy.Limit{{Per: policy.Lifetime, Tokens: manyTokens}}}
	for _, row := range []struct {
		name          string
		stream        bool
		atOnce, whole bool
		meter         metered
		output        int64
		estimated     bool
	}{
		{"at once, cut", true, true, false, metered{seen: 3}, 500, true},
		{"at once, not reported", true, true, true, metered{seen: 3}, 500, true},
		{"at once, reported", true, true, true, metered{seen: 3, final: true, reported: plugins.Usage{InputTokens: 9, OutputTokens: 40}}, 40, false},
		{"zeros where something was seen", false, false, true, metered{seen: 30, final: true}, 30, true},
		{"zeros where nothing was", false, false, true, metered{final: true, reported: plugins.Usage{InputTokens: 9}}, 0, false},
	} {
		asked := policy.Request{
			AppStatus: "active", Resource: d.Resource, Action: "images.generations", Model: "m", Choices: 1, OutputTokens: 500,
			InputTokens: 10, Stream: row.stream, OutputAtOnce: row.atOnce, Time: time.Now(), Rate: &price.Rate{},
		}
		r, err := ledger.Reserve("per_a", d, asked)
		if err != nil {
			t.Fatal(err)
		}
		x := &exchange{aim: aim{facts: asked, reservation: r}, meter: row.meter, whole: row.whole}
		if b := x.charge(); b.usage.OutputTokens != row.output || b.estimated != row.estimated || b.usage.InputTokens == 0 {
			t.Errorf("%s: %+v", row.name, b)
		}
		r.Release()
	}
}
