package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/ulule/limiter/v3"
	"github.com/ulule/limiter/v3/drivers/store/memory"
)

// rates counts what minute limits need: windows of a minute that start with
// their first request. Calls come one at a time, under the ledger's lock, so
// that asking and counting are one step.
type rates struct{ store limiter.Store }

// window is a minute under way.
type window struct {
	used int64
	id   int64     // differs between a key's windows
	ends time.Time // the first whole second after it
}

// uncapped makes the store tell counts: it only tells what remains of a limit.
func uncapped() limiter.Rate {
	return limiter.Rate{Period: time.Minute, Limit: 1 << 62}
}

func newRates(s limiter.Store) rates {
	if s == nil {
		// No clean-up interval: the store's cleaner can drop a counter between
		// its reading and its writing. There is one key a permission and limit.
		s = memory.NewStoreWithOptions(limiter.StoreOptions{Prefix: "rate"})
	}
	return rates{s}
}

// rateKey names the windows of what is rated of a permission.
func rateKey(permissionID string, r rated) string {
	return permissionID + "\x00" + string(r.unit) + "\x00" + r.model
}

// look tells the window under way without counting.
func (r rates) look(key string) (window, error) {
	w, err := read(r.store.Peek(context.Background(), key, uncapped()))
	if err != nil || time.Until(w.ends) <= time.Minute+2*time.Second {
		return w, err
	}
	// Its end is more than a minute away: the clock was set back. What was
	// counted goes into a window that starts now, so that nobody waits longer
	// than a minute and nobody gains a fresh one.
	if _, err := r.store.Reset(context.Background(), key, uncapped()); err != nil {
		return window{}, unavailable(err)
	}
	return r.add(key, w.used)
}

// add counts n in the window under way, or starts one.
func (r rates) add(key string, n int64) (window, error) {
	return read(r.store.Increment(context.Background(), key, n, uncapped()))
}

// correct counts that a hold was larger or smaller by n than it should have
// been. More counts in the window of the moment. Less is given back to the
// window that the hold was last counted in, if it is still under way.
func (r rates) correct(h *hold, n int64) error {
	if n > 0 {
		w, err := r.look(h.key)
		if err == nil {
			_, err = r.add(h.key, saturate(w.used, n)-w.used)
		}
		return err
	}
	if n = max(n, -h.counted); n == 0 {
		return nil
	}
	w, err := r.look(h.key)
	if err != nil || w.id != h.window {
		return err
	}
	w, err = r.add(h.key, n)
	if err == nil && w.id != h.window {
		_, err = r.add(h.key, -n) // it ended in between: leave the new one alone
	}
	return err
}

func read(c limiter.Context, err error) (window, error) {
	if err != nil {
		return window{}, unavailable(err)
	}
	return window{used: uncapped().Limit - c.Remaining, id: c.Reset, ends: time.Unix(c.Reset+1, 0)}, nil
}

func unavailable(err error) error { return fmt.Errorf("%w: rates: %w", ErrUnavailable, err) }
