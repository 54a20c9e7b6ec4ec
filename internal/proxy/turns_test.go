package proxy

import (
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/plugins"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	turns := newTurns()
	var all sync.WaitGroup
	var running, mine, most, mostMine atomic.Int64
	peak := func(of *atomic.Int64, n int64) {
		for old := of.Load(); n > old && !of.CompareAndSwap(old, n); old = of.Load() {
		}
	}
	for i := range 64 {
		all.Go(func() {
			app := string(rune('a' + i%8))
			turns.take(app, func() {
				peak(&most, running.Add(1))
				if app == "a" {
					peak(&mostMine, mine.Add(1))
					defer mine.Add(-1)
				}
				runtime.Gosched()
				running.Add(-1)
			})
		})
	}
	all.Wait()
	if most.Load() > int64(runtime.GOMAXPROCS(0)) || mostMine.Load() != 1 || len(turns.byApp) != 0 {
		t.Errorf("%d at a time, %d of one app, %d left", most.Load(), mostMine.Load(), len(turns.byApp))
	}
}

// Nothing is counted closely of a request that is refused whatever its size is.
func TestRequestsAreCountedBeforeTheirInput(t *testing.T) {
	t.Parallel()
	b := newBench(t).priced()
	a := b.pair(granting(policy.Limit{Per: policy.Day, Requests: 1}, policy.Limit{Per: policy.Day, Tokens: manyTokens}))
	if got := a.post(question); got.status != 200 {
		t.Fatalf("status %d", got.status)
	}
	var counted atomic.Int64
	x := b.proxy.newExchange("req_a", httptest.NewRecorder(), a.request("POST", chatPath, question))
	x.entry = &entry{appID: a.id, cancel: func(error) {}}
	x.caller.App.ID = a.id
	x.call = &plugins.Call{CountInput: func() int64 { counted.Add(1); return 1 }, Facts: plugins.Facts{InputTokens: 9000}}
	x.facts = policy.Request{AppStatus: "active", Resource: resource, Action: "chat.completions", Model: "gpt-4o-mini", InputTokens: 9000, Choices: 1, Time: b.clock.now()}
	if err := x.decideThis(); refusalOf(err).code != policy.CodeRequestQuotaSpent || counted.Load() != 0 {
		t.Errorf("%v, counted %d times", err, counted.Load())
	}
}
