package admin_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/audit"
)

// TestFollow: the newest events, then each new one, without gap or repetition
// and in order, until the client leaves.
func TestFollow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	const more = 40
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	writing := make(chan error, 1)
	var seen []int64
	err := d.FollowAudit(ctx, 1, func(event admin.Event) error {
		if len(seen) == 0 {
			if event.Kind != audit.KeyAdded {
				t.Errorf("the first event is %s", event.Kind)
			}
			go func() { writing <- d.freezeAndThaw(more / 2) }()
		}
		if seen = append(seen, event.Seq); len(seen) == more+1 {
			leave()
		}
		return nil
	})
	check(t, err)
	check(t, <-writing)
	for i, seq := range seen {
		if seq != seen[0]+int64(i) {
			t.Fatalf("events came as %v", seen)
		}
	}
}

func (d *desk) freezeAndThaw(times int) error {
	var errs []error
	for range times {
		errs = append(errs, d.pairing.Freeze(), d.pairing.Thaw())
	}
	return errors.Join(errs...)
}

// TestFollowEnds: a follower does not hold up a stop, and its own error ends
// it.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	enough := errors.New("enough")
	if err := d.FollowAudit(t.Context(), 1, func(admin.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v, want the follower's error", err)
	}
	stopped := make(chan error, 1)
	if err := d.FollowAudit(t.Context(), 1, func(admin.Event) error {
		go func() { stopped <- d.server.Shutdown(t.Context()) }()
		return nil
	}); err != nil {
		t.Errorf("after a stop: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// TestFollowBroken: a gateway that is gone without a word is not mistaken for
// an orderly end.
func TestFollowBroken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	err := d.FollowAudit(t.Context(), 1, func(admin.Event) error { return d.server.Close() })
	if !errors.Is(err, admin.ErrNoServer) {
		t.Errorf("got %v, want ErrNoServer", err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.setUp(t)
	if got, err := d.VerifyAudit(t.Context()); err != nil || !got.OK || got.Lines != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	name := filepath.Join(d.dir, "audit.jsonl")
	data, err := os.ReadFile(name)
	check(t, err)
	check(t, os.WriteFile(name, []byte(strings.Replace(string(data), "llm:openai", "llm:opemai", 1)), 0o600))
	got, err := d.VerifyAudit(t.Context())
	if err != nil || got.OK || got.Broken != 2 || got.Reason == "" {
		t.Errorf("after a change: %+v, %v", got, err)
	}
}
