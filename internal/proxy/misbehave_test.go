package proxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

// rude is a provider that writes what it likes, byte for byte. It is asked with
// the head of a request read, and its body unless the answer does not wait.
type rude struct {
	write func(w io.Writer, key string, gone <-chan struct{})
	early bool // it answers before it has read the body
}

// listen serves one connection after the other until the test ends.
func (p rude) listen(t *testing.T) (baseURL string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return "http://" + l.Addr().String()
}

func (p rude) serve(conn net.Conn) {
	defer conn.Close()
	from := bufio.NewReader(conn)
	r, err := http.ReadRequest(from)
	if err != nil {
		return
	}
	if !p.early {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	gone := make(chan struct{})
	if !p.early {
		go func() { _, _ = from.ReadByte(); close(gone) }() // a caller who leaves ends the connection
	}
	key := r.Header.Get("Authorization") + r.Header.Get("X-Api-Key") + r.Header.Get("X-Goog-Api-Key")
	p.write(conn, strings.TrimPrefix(key, "Bearer "), gone)
}

// tongue is a dialect with what a good provider says in it.
type tongue struct {
	resource, base, path string
	ask, askStream       string // bodies of requests; the stream's path may differ
	streamPath           string
	whole, event, last   string // an answer, an event of a stream, and the last with the usage
}

func tongues() []tongue {
	const contents = `{"contents":[{"role":"user","parts":[{"text":"say it"}]}]}`
	const candidate = `{"candidates":[{"content":{"parts":[{"text":" the"}],"role":"model"},"index":0`
	const used = `"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":5,"totalTokenCount":12}`
	return []tongue{
		{
			resource: resource, base: "/v1", path: chatPath, streamPath: chatPath, ask: question, askStream: streamed,
			whole: `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":" the"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}`,
			event: word, last: lastWord + `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}` + "\n\ndata: [DONE]\n\n",
		},
		{
			resource: "llm:anthropic", base: "/v1", path: "/r/llm/anthropic/v1/messages", streamPath: "/r/llm/anthropic/v1/messages",
			ask:       `{"model":"claude-haiku-4-5","max_tokens":90,"messages":[{"role":"user","content":"say it"}]}`,
			askStream: `{"model":"claude-haiku-4-5","max_tokens":90,"stream":true,"messages":[{"role":"user","content":"say it"}]}`,
			whole:     `{"type":"message","content":[{"type":"text","text":" the"}],"stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":5}}`,
			event:     "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" the\"}}\n\n",
			last: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n" +
				"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		},
		{
			resource: "llm:gemini", base: "/v1beta", path: "/r/llm/gemini/v1beta/models/gemini-2.5-flash-lite:generateContent", ask: contents,
			streamPath: "/r/llm/gemini/v1beta/models/gemini-2.5-flash-lite:streamGenerateContent?alt=sse", askStream: contents,
			whole: candidate + `,"finishReason":"STOP"}],` + used + `}`, event: "data: " + candidate + "}]}\r\n\r\n", last: "data: " + candidate + `,"finishReason":"STOP"}],` + used + "}\r\n\r\n",
		},
	}
}

// charge is what a request comes to.
type charge int

const (
	nothing   charge = iota // everything is given back
	reported                // the provider's seven and five tokens
	estimated               // by what went by, or all that was held
)

// misbehaviour is a row: what the provider does, and what becomes of it.
type misbehaviour struct {
	name   string
	stream bool
	rude   func(tongue) rude
	status int
	code   string // in the answer, or in a stream's last event; "" where none can be told
	noted  string // in the audit log, where that is another
	broken bool   // the client's connection
	charge charge
	config func(*Config)
}

func says(parts ...string) func(tongue) rude {
	return func(tongue) rude {
		return rude{write: func(w io.Writer, key string, _ <-chan struct{}) {
			_, _ = io.WriteString(w, strings.ReplaceAll(strings.Join(parts, ""), "KEY", key))
		}}
	}
}

// falls silent says something and then nothing, until the gateway hangs up.
func fallsSilent(say func(tongue) string) func(tongue) rude {
	return func(to tongue) rude {
		return rude{write: func(w io.Writer, _ string, gone <-chan struct{}) {
			_, _ = io.WriteString(w, say(to))
			<-gone
		}}
	}
}

func saysOf(say func(tongue) string) func(tongue) rude {
	return func(to tongue) rude { return says(say(to))(to) }
}

const (
	ok         = "HTTP/1.1 200 OK\r\n"
	okJSON     = ok + "Content-Type: application/json\r\n"
	okStream   = ok + "Content-Type: text/event-stream\r\n\r\n" // to the connection's end
	okChunks   = ok + "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	jsonChunks = okJSON + "Transfer-Encoding: chunked\r\n\r\n"
)

func inChunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

func impatient(c *Config) {
	c.Timeouts.Header, c.Timeouts.Idle = 300*time.Millisecond, 300*time.Millisecond
}

// impatientThen is for what begins well, however slow the machine is.
func impatientThen(c *Config) { c.Timeouts.Idle = 300 * time.Millisecond }

func misbehaviours() []misbehaviour {
	bad := func(name string, provider func(tongue) rude) misbehaviour {
		return misbehaviour{name: name, rude: provider, status: 502, code: "upstream_error", charge: nothing}
	}
	slow := func(name string, provider func(tongue) rude) misbehaviour {
		return misbehaviour{name: name, rude: provider, status: 504, code: "upstream_timeout", charge: estimated, config: impatient}
	}
	half := func(name string, provider func(tongue) rude) misbehaviour { // of an answer that is no stream
		return misbehaviour{name: name, rude: provider, status: 200, noted: "upstream_error", broken: true, charge: estimated}
	}
	cut := func(name string, provider func(tongue) rude) misbehaviour {
		return misbehaviour{name: name, stream: true, rude: provider, status: 200, code: "upstream_error", charge: estimated}
	}
	through := func(name string, how charge, provider func(tongue) rude) misbehaviour {
		return misbehaviour{name: name, rude: provider, status: 200, charge: how}
	}
	fixed := func(say string) func(tongue) string { return func(tongue) string { return say } }
	silence := cut("silent in a stream", fallsSilent(func(to tongue) string { return okStream + to.event }))
	silence.code, silence.config = "upstream_timeout", impatientThen
	half1 := half("silent in a long answer", fallsSilent(func(to tongue) string { return okJSON + "Content-Length: 50000\r\n\r\n" + to.whole[:20] }))
	half1.noted, half1.config = "upstream_timeout", impatientThen
	short := bad("shorter than its length", saysOf(func(to tongue) string { return okJSON + "Content-Length: 5000\r\n\r\n" + to.whole[:20] }))
	short.charge = estimated // nothing of it has gone out
	garbled := through("a stream of garbage", estimated, says(okStream, "data: {\"choi\n\nnonsense\n\n\x00\xff\n\ndata\n\n"))
	garbled.stream = true
	trickle := through("a byte at a time", reported, func(to tongue) rude {
		return rude{write: func(w io.Writer, _ string, _ <-chan struct{}) {
			for _, c := range []byte(okJSON + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(to.whole)) + to.whole) {
				_, _ = w.Write([]byte{c})
			}
		}}
	})
	trickles := trickle
	trickles.name, trickles.stream = "a stream a byte at a time", true
	trickles.rude = func(to tongue) rude {
		return rude{write: func(w io.Writer, _ string, _ <-chan struct{}) {
			for _, c := range []byte(okStream + to.event + to.last) {
				_, _ = w.Write([]byte{c})
			}
		}}
	}
	compressed := bad("compressed", saysOf(func(to tongue) string { return okJSON + "Content-Encoding: gzip\r\n\r\n\x1f\x8b" + to.whole }))
	compressed.charge = estimated
	failing := misbehaviour{name: "an error that is broken", rude: says("HTTP/1.1 500 KEY\r\nContent-Type: application/json\r\n\r\n{\"error\":KEY"), status: 500, charge: nothing}
	odd := misbehaviour{name: "a status nobody knows", rude: says("HTTP/1.1 799 KEY\r\n\r\n"), status: 799, charge: nothing}
	return []misbehaviour{
		slow("silent", fallsSilent(fixed(""))), slow("silent in the status line", fallsSilent(fixed("HTTP/1."))), slow("silent in the head", fallsSilent(fixed(okJSON))), silence, half1, short,
		slow("silent in a short answer", fallsSilent(func(to tongue) string { return okJSON + "Content-Length: 5000\r\n\r\n" + to.whole[:20] })),
		bad("hangs up", says("")), bad("hangs up in the status line", says("HTTP/1.1 20")), bad("hangs up in the head", says(okJSON)),
		half("much shorter than its length", saysOf(func(to tongue) string { return okJSON + "Content-Length: 50000\r\n\r\n" + to.whole[:20] })),
		half("hangs up in a chunk", saysOf(func(to tongue) string { return jsonChunks + inChunk(to.whole)[:20] })),
		half("no last chunk", saysOf(func(to tongue) string { return jsonChunks + inChunk(to.whole[:20]) })),
		half("a chunk without a size", saysOf(func(to tongue) string { return jsonChunks + inChunk(to.whole[:20]) + "zz\r\n" })),
		half("a chunk longer than its size", saysOf(func(to tongue) string { return jsonChunks + "4\r\n" + to.whole })),
		cut("a stream that hangs up in a chunk", saysOf(func(to tongue) string { return okChunks + inChunk(to.event) + "ff\r\n" + to.event })),
		cut("a stream with a chunk without a size", saysOf(func(to tongue) string { return okChunks + inChunk(to.event) + "-1\r\n" + to.event })),
		cut("a stream shorter than its length", saysOf(func(to tongue) string {
			return ok + "Content-Type: text/event-stream\r\nContent-Length: 5000\r\n\r\n" + to.event
		})),
		through("longer than its length", reported, saysOf(func(to tongue) string {
			return okJSON + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(to.whole)) + to.whole + ok + "\r\n" + to.whole
		})),
		bad("no HTTP", says("220 mail.example KEY ESMTP\r\n\r\n")), through("an old HTTP", estimated, says("HTTP/0.9 200 OK\r\n\r\n")), through("a new HTTP", estimated, says("HTTP/9.1 200 KEY\r\n\r\n")), bad("a status of two digits", says("HTTP/1.1 20 KEY\r\n\r\n")),
		bad("a status of four digits", says("HTTP/1.1 2000 KEY\r\n\r\n")), bad("a status below all", says("HTTP/1.1 000 KEY\r\n\r\n")), bad("a header without a name", says(ok, ": KEY\r\n\r\n")), bad("a header without a colon", says(ok, "KEY\r\n\r\n")),
		bad("a broken header name", says(ok, "X KEY\x00: x\r\n\r\n")), bad("a broken header value", says(ok, "X: KEY\x00\r\n\r\n")), bad("two lengths", says(okJSON, "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}")),
		bad("a length that is none", says(okJSON, "Content-Length: KEY\r\n\r\n{}")), bad("an unknown coding", says(okJSON, "Transfer-Encoding: KEY\r\n\r\n{}")), bad("TLS", says("\x15\x03\x01\x00\x02\x02\x28")), bad("NUL", says(strings.Repeat("\x00", 5000))),
		bad("a redirect", says("HTTP/1.1 302 Found\r\nLocation: /v1/KEY\r\nContent-Length: 0\r\n\r\n")), bad("a redirect that keeps the method", says("HTTP/1.1 308 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")),
		bad("not modified", says("HTTP/1.1 304 Not Modified\r\n\r\n")), bad("switches protocols", says("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")),
		bad("a flood of early hints", says(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <KEY>\r\n\r\n", 20_000), okJSON, "\r\n{}")), bad("a flood of continues", says(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 20_000), okJSON, "\r\n{}")),
		bad("long headers", says(ok, "X: ", strings.Repeat("x", 200<<10), "\r\n\r\n")), bad("many headers", says(ok, strings.Repeat("X: x\r\n", 50_000), "\r\n")), bad("a long status line", says("HTTP/1.1 200 ", strings.Repeat("x", 200<<10), "\r\n\r\n")),
		bad("refuses the key", says("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer KEY\r\nContent-Length: 3\r\n\r\nKEY")), compressed, failing, odd,
		through("another type", estimated, says(ok, "Content-Type: text/html\r\nSet-Cookie: a=KEY\r\nLocation: KEY\r\n\r\n<script>KEY</script>")), through("no type", estimated, says(ok, "\r\nKEY")),
		through("broken JSON", estimated, says(okJSON, "\r\n{\"choices\":[{\"KEY")), through("nothing", estimated, says(okJSON, "Content-Length: 0\r\n\r\n")), garbled, trickle, trickles,
		through("usage that is nonsense", estimated, says(okJSON, "\r\n{\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":1e99,\"input_tokens\":\"KEY\",\"output_tokens\":null},\"usageMetadata\":[]}")),
		through("duplicate headers", reported, saysOf(func(to tongue) string {
			return okJSON + "Content-Type: text/html\r\nRetry-After: 1\r\nRetry-After: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Request-Id: KEY\r\nTransfer-Encoding: chunked\r\n\r\n" + inChunk(to.whole) + "0\r\nX-Late: KEY\r\n\r\n"
		})),
	}
}

// TestMisbehaviour asks providers that misbehave, one after the other: the words
// are the dialect's, the charge is right, the key is nowhere, and nothing of
// the request is left running.
func TestMisbehaviour(t *testing.T) {
	for _, to := range tongues() {
		for _, row := range misbehaviours() {
			before := runtime.NumGoroutine()
			if !t.Run(to.resource+"/"+row.name, func(t *testing.T) { row.run(t, to) }) {
				continue
			}
			for n := 0; runtime.NumGoroutine() > before; n++ {
				if n == 30_000 {
					stacks := make([]byte, 1<<20)
					t.Fatalf("%s: %s: %d goroutines of %d are left:\n%s", to.resource, row.name, runtime.NumGoroutine()-before, before, stacks[:runtime.Stack(stacks, true)])
				}
				time.Sleep(time.Millisecond)
			}
		}
	}
}

func (row misbehaviour) run(t *testing.T, to tongue) {
	var logs lockedBuffer
	settings := []setting{
		func(o *options) { o.baseURL = row.rude(to).listen(t) + to.base },
		with(func(c *Config) {
			c.Log = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
			if row.config != nil {
				row.config(c)
			}
		}),
	}
	b := newBench(t, settings...)
	a := to.app(b)
	path, body := to.path, to.ask
	if row.stream {
		path, body = to.streamPath, to.askStream
	}
	got := a.do(a.request("POST", path, body))
	if got.status != row.status || (got.err != nil) != row.broken {
		t.Errorf("got %d, %v: %.300q", got.status, got.err, got.body)
	}
	answer := got.body
	if row.stream {
		if i := bytes.LastIndex(bytes.TrimSpace(answer), []byte("data: ")); i >= 0 {
			answer = answer[i+len("data: "):]
		}
	}
	if code := spokenCode(answer); code != row.code {
		t.Errorf("got code %q, want %q: %.300q", code, row.code, got.body)
	}
	b.eventually("the request has ended", func() bool { return b.proxy.Running() == 0 })
	ended := b.recorded(audit.RequestEnded, got.id())
	if noted := row.code + row.noted; len(ended) != 1 || ended[0].Code != noted {
		t.Fatalf("audit: %+v, want code %q", ended, noted)
	}
	row.charged(a, to, ended[0])
	for what, text := range map[string]string{"answer": string(got.body), "headers": fmt.Sprint(got.header), "audit log": fmt.Sprintf("%+v", b.events()), "log": logs.String()} {
		if strings.Contains(text, canary) {
			t.Errorf("the key is in the %s: %.600q", what, text)
		}
	}
	for _, name := range []string{"Set-Cookie", "Location", "Trailer", "X-Late"} {
		if got.header.Get(name) != "" {
			t.Errorf("%s came through", name)
		}
	}
}

// app is one that may use the resource, with the provider's key in the vault.
func (to tongue) app(b *bench) *app {
	b.Helper()
	if to.resource != resource {
		_, err := b.vault.AddCredential(vault.NewCredential{
			Resource: to.resource, Label: to.resource, BaseURL: b.upstreamURL, Secret: vault.NewSecret([]byte(canary)), AllowPrivate: true,
		})
		b.must(err)
	}
	return b.pair(policy.Document{Resource: to.resource, Limits: []policy.Limit{{Per: policy.Lifetime, Requests: 100, Tokens: manyTokens}}})
}

// charged holds what was counted against the row.
func (row misbehaviour) charged(a *app, to tongue, ended audit.Event) {
	a.Helper()
	permission, err := a.pairing.Permission(a.id, to.resource)
	a.must(err)
	used := map[policy.Unit]int64{}
	for _, l := range a.ledger.Limits(permission.ID, permission.Document) {
		if used[l.Unit] = l.Used; l.Held != 0 {
			a.Errorf("%s: %d are still held", l.Unit, l.Held)
		}
	}
	requests, tokens := used[policy.Requests], used[policy.Tokens]
	right := false
	switch row.charge {
	case nothing:
		right = requests == 0 && tokens == 0 && ended.Usage == nil
	case reported:
		right = requests == 1 && tokens == 12 && ended.Usage != nil && !ended.Usage.Estimated
	case estimated:
		right = requests == 1 && tokens > 0 && tokens < 70_000 && ended.Usage != nil && ended.Usage.Estimated
	}
	if !right {
		a.Errorf("counted %d requests and %d tokens, %+v", requests, tokens, ended.Usage)
	}
}

// spokenCode is our code in an error of any dialect.
func spokenCode(body []byte) string {
	var shape struct {
		Error struct {
			Code    any
			Details json.RawMessage
		}
	}
	_ = json.Unmarshal(body, &shape) // not every answer is an error
	var details []struct{ Reason string }
	_ = json.Unmarshal(shape.Error.Details, &details)
	if len(details) > 0 {
		return details[0].Reason
	}
	code, _ := shape.Error.Code.(string)
	return code
}

// lockedBuffer is a log.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
