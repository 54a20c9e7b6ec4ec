package plugintest

import (
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// watched is a meter that is looked at after every step: what it has counted
// never shrinks, is never less than what has been reported, and is never more
// than the bytes there were, since no token is shorter than a byte.
type watched struct {
	plugins.Meter
	t     *testing.T
	bytes int64
	last  plugins.Usage
	seen  int64
	final bool
}

func (s Suite) watch(t *testing.T, sample Sample) plugins.Meter {
	t.Helper()
	return &watched{Meter: s.Provider.NewMeter(s.mustDescribe(t, sample.Request)), t: t}
}

// Event implements [plugins.Meter].
func (w *watched) Event(raw []byte) []byte {
	forward := w.Meter.Event(raw)
	w.look(len(raw))
	return forward
}

// Body implements [plugins.Meter].
func (w *watched) Body(chunk []byte) {
	w.Meter.Body(chunk)
	w.look(len(chunk))
}

func (w *watched) look(n int) {
	w.t.Helper()
	w.bytes += int64(n)
	seen, final := w.Seen(), w.Final()
	usage, reported := w.Usage()
	if !reported && usage != (plugins.Usage{}) {
		w.t.Fatalf("nothing is reported, but there is %+v", usage)
	}
	if usage.InputTokens < 0 || usage.OutputTokens < 0 || usage.Cost < 0 || usage.CachedTokens < 0 || usage.CacheWriteTokens < 0 ||
		usage.CachedTokens+usage.CacheWriteTokens > usage.InputTokens {
		w.t.Fatalf("usage does not add up: %+v", usage)
	}
	if usage.InputTokens < w.last.InputTokens || usage.OutputTokens < w.last.OutputTokens {
		w.t.Fatalf("usage fell from %+v to %+v", w.last, usage)
	}
	if seen < w.seen || seen < usage.OutputTokens || seen > w.bytes+usage.OutputTokens {
		w.t.Fatalf("%d output tokens seen after %d bytes; before, %d; reported, %d", seen, w.bytes, w.seen, usage.OutputTokens)
	}
	if w.final && !final {
		w.t.Fatal("what was final is so no more")
	}
	w.last, w.seen, w.final = usage, seen, final
}
