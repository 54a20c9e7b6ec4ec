package wordsmith

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

// mutant is the provider with one mistake in it.
type mutant struct {
	*Provider
	describe func(*Provider, plugins.Request) (*plugins.Call, error)
	meter    func(plugins.Meter) plugins.Meter
	response func(http.Header) http.Header
	probe    func(plugins.Probe) plugins.Probe
	event    func([]byte) []byte
}

func (m mutant) Describe(r plugins.Request) (*plugins.Call, error) {
	if m.describe != nil {
		return m.describe(m.Provider, r)
	}
	return m.Provider.Describe(r)
}

func (m mutant) NewMeter(c *plugins.Call) plugins.Meter {
	if m.meter != nil {
		return m.meter(m.Provider.NewMeter(c))
	}
	return m.Provider.NewMeter(c)
}

func (m mutant) ResponseHeader(h http.Header) http.Header {
	if m.response != nil {
		return m.response(h)
	}
	return m.Provider.ResponseHeader(h)
}

func (m mutant) Probe() plugins.Probe {
	if m.probe != nil {
		return m.probe(m.Provider.Probe())
	}
	return m.Provider.Probe()
}

func (m mutant) ErrorEvent(f plugins.Failure) []byte {
	if m.event != nil {
		return m.event(m.Provider.ErrorEvent(f))
	}
	return m.Provider.ErrorEvent(f)
}

// before alters the request that is described.
func before(alter func(*plugins.Request)) mutant {
	return mutant{describe: func(p *Provider, r plugins.Request) (*plugins.Call, error) {
		alter(&r)
		return p.Describe(r)
	}}
}

// after alters the call that comes out.
func after(alter func(plugins.Request, *plugins.Call)) mutant {
	return mutant{describe: func(p *Provider, r plugins.Request) (*plugins.Call, error) {
		call, err := p.Describe(r)
		if err == nil {
			alter(r, call)
		}
		return call, err
	}}
}

type wrongMeter struct {
	plugins.Meter
	seen  func(int64) int64
	final bool
	drop  bool
}

func (m wrongMeter) Seen() int64 {
	if m.seen != nil {
		return m.seen(m.Meter.Seen())
	}
	return m.Meter.Seen()
}
func (m wrongMeter) Final() bool { return m.Meter.Final() != m.final }
func (m wrongMeter) Event(raw []byte) []byte {
	if m.drop {
		return nil
	}
	return m.Meter.Event(raw)
}

func mutants() map[string]mutant {
	turn := int64(0)
	return map[string]mutant{
		faultless:          {},
		"cleans paths":     before(func(r *plugins.Request) { r.Path = path.Clean(r.Path) }),
		"unescapes paths":  before(func(r *plugins.Request) { r.Path, _ = url.PathUnescape(r.Path) }),
		"cuts parameters":  before(func(r *plugins.Request) { r.Path, _, _ = strings.Cut(r.Path, ";") }),
		"folds methods":    before(func(r *plugins.Request) { r.Method = strings.ToUpper(r.Method) }),
		"drops a mark":     before(func(r *plugins.Request) { r.Body = bytes.TrimPrefix(r.Body, []byte("\ufeff")) }),
		"ignores codings":  before(func(r *plugins.Request) { r.Header = r.Header.Clone(); r.Header.Del("Content-Encoding") }),
		"ignores types":    before(func(r *plugins.Request) { r.Header = http.Header{"Content-Type": {"application/json"}} }),
		"reads leniently":  before(lenient),
		"changes requests": before(func(r *plugins.Request) { r.Header.Set("X-Seen", "1") }),
		"passes headers":   after(func(r plugins.Request, c *plugins.Call) { c.Header = r.Header.Clone() }),
		"passes one hop":   after(func(r plugins.Request, c *plugins.Call) { c.Header["Accept"] = r.Header["Accept"] }),
		"passes queries":   after(func(r plugins.Request, c *plugins.Call) { c.RawQuery = r.RawQuery }),
		"takes credential": after(func(_ plugins.Request, c *plugins.Call) { c.Header.Set("X-Wordsmith-Key", "theirs") }),
		"wants gzip":       after(func(_ plugins.Request, c *plugins.Call) { c.Header.Set("Accept-Encoding", "gzip") }),
		"bounds too low":   after(func(_ plugins.Request, c *plugins.Call) { c.Facts.InputTokens = 1 }),
		"counts too much":  after(func(_ plugins.Request, c *plugins.Call) { c.CountInput = func() int64 { return 1 << 40 } }),
		"forgets the cap": after(func(_ plugins.Request, c *plugins.Call) {
			c.CapOutput = func(b []byte, _ int64) ([]byte, error) { return b, nil }
		}),
		"meters backwards": {meter: func(m plugins.Meter) plugins.Meter {
			return wrongMeter{Meter: m, seen: func(int64) int64 { turn++; return max(0, 10-turn) }}
		}},
		"meters nothing":    {meter: func(m plugins.Meter) plugins.Meter { return wrongMeter{Meter: m, seen: func(int64) int64 { return 0 }} }},
		"never final":       {meter: func(m plugins.Meter) plugins.Meter { return wrongMeter{Meter: m, final: true} }},
		"drops events":      {meter: func(m plugins.Meter) plugins.Meter { return wrongMeter{Meter: m, drop: true} }},
		"passes answers":    {response: func(h http.Header) http.Header { return h.Clone() }},
		"believes anything": {probe: func(p plugins.Probe) plugins.Probe { return believing(p) }},
		"half an event":     {event: func(e []byte) []byte { return bytes.TrimSuffix(e, []byte("\n")) }},
	}
}

// lenient is what a reader that takes the last of two members does to a body.
func lenient(r *plugins.Request) {
	var members map[string]json.RawMessage
	if json.Unmarshal(r.Body, &members) == nil {
		r.Body, _ = json.Marshal(members)
	}
}

func believing(p plugins.Probe) plugins.Probe {
	explain := p.Explain
	p.Explain = func(status int, body []byte) plugins.Verdict {
		verdict := explain(status, body)
		verdict.OK = status == http.StatusOK
		return verdict
	}
	return p
}

const (
	chosen    = "KEYWICKET_TEST_MUTANT"
	faultless = "does nothing wrong"
)

// TestMutant runs the suite on one mutant, in a process of its own.
func TestMutant(t *testing.T) {
	name := os.Getenv(chosen)
	if name == "" {
		for name := range mutants() {
			t.Run(name, func(t *testing.T) { t.Parallel(); caught(t, name) })
		}
		return
	}
	m := mutants()[name]
	m.Provider = provider(t)
	plugintest.Run(t, suite(m))
}

// caught expects the suite to fail, and not by a panic.
func caught(t *testing.T, name string) {
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$", "-test.count=1")
	child.Env = append(os.Environ(), chosen+"="+name)
	out, err := child.CombinedOutput()
	if name == faultless {
		if err != nil {
			t.Errorf("a provider that %s fails the suite:\n%s", name, out)
		}
		return
	}
	if err == nil {
		t.Errorf("a provider that %s passes the suite", name)
	}
	if bytes.Contains(out, []byte("fatal error: concurrent map")) || bytes.Contains(out, []byte("DATA RACE")) {
		return // caught by the runtime, before the suite could
	}
	if bytes.Contains(out, []byte("panic:")) || !bytes.Contains(out, []byte("--- FAIL: TestMutant")) {
		t.Errorf("the suite broke down:\n%s", out)
	}
}
