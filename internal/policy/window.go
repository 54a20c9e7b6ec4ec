package policy

import "time"

// window is the minute under way in which an account counts one unit of one
// model, by the wall clock: a monotonic one stands still while a machine
// sleeps. The minute starts with the first request that is counted in it.
type window struct {
	used int64
	ends int64 // the last nanosecond of it, since 1970; 0: none is under way
}

// setBack is how much further away than a minute a window's end may be before
// the clock counts as set back.
const setBack = 2 * time.Second

// at brings the window up to the time now. When its end is more than a minute
// away, the clock was set back: what was counted goes into a window that starts
// now, so that nobody waits longer than a minute and nobody gains a fresh one.
func (w *window) at(now time.Time) {
	switch left := time.Duration(w.ends - now.UnixNano()); {
	case left < 0:
		*w = window{}
	case left > time.Minute+setBack:
		w.start(now)
	}
}

func (w *window) start(now time.Time) { w.ends = now.Add(time.Minute).UnixNano() }

// add counts n in the window under way, or starts one.
func (w *window) add(n int64, now time.Time) {
	if w.at(now); w.ends == 0 {
		w.start(now)
	}
	w.used = saturate(w.used, n)
}

// correct counts that a hold was larger or smaller by n than it should have
// been. More counts in the window of the moment. Less is given back to the
// window that the hold was last counted in, if it is still under way.
func (w *window) correct(h *hold, n int64, now time.Time) {
	switch w.at(now); {
	case n > 0:
		w.add(n, now)
	case w.ends == h.minute:
		w.used -= min(-n, h.counted)
	}
}

// over is the first whole second after the window.
func (w *window) over() time.Time { return time.Unix(w.ends/int64(time.Second)+1, 0) }
