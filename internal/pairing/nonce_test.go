package pairing

import (
	"testing"
	"time"
)

func TestNoncesOverlap(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	n := &nonces{secret: []byte("secret of this process"), clock: func() time.Time { return now }}
	first := n.now().all[0]
	for range 2*int(nonceWindow/time.Second) + 1 {
		if !n.good(first) {
			t.Fatalf("refused at %v", now)
		}
		now = now.Add(time.Second)
	}
	now = now.Add(nonceWindow)
	if n.good(first) {
		t.Error("good for ever")
	}
	for _, other := range []string{"", first + "x", first[:21]} {
		if n.good(other) {
			t.Errorf("%q is good", other)
		}
	}
	fresh := n.now().all[0]
	if other := (&nonces{secret: []byte("secret of the next one"), clock: n.clock}); other.good(fresh) {
		t.Error("outlives its process")
	}
	now = now.Add(-nonceWindow) // a clock set back
	if n.good(fresh) {
		t.Error("good before it was given out")
	}
}
