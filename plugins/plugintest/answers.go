package plugintest

import (
	"bytes"
	"cmp"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

const cuttings = 50 // ways each answer is cut into reads

// answers must be forwarded as the sample says and metered, however they arrive.
func (s Suite) answers(t *testing.T, sample Sample) {
	random := rand.New(rand.NewPCG(1, 2))
	for i, answer := range sample.Answers {
		for range cuttings {
			meter := s.watch(t, sample)
			forwarded, err := pass(meter, answer.Stream, &randomReader{src: strings.NewReader(answer.Received), random: random})
			if err != nil {
				t.Fatal(err)
			}
			if forwarded != cmp.Or(answer.Forwarded, answer.Received) {
				t.Fatalf("answer %d: forwarded\n%q, want\n%q", i, forwarded, cmp.Or(answer.Forwarded, answer.Received))
			}
			usage, reported := meter.Usage()
			if reported != (answer.Usage != nil) || (reported && usage != *answer.Usage) {
				t.Fatalf("answer %d: usage %+v, %v; want %+v", i, usage, reported, answer.Usage)
			}
			if reported && meter.Final() == answer.Partial {
				t.Fatalf("answer %d: final is %v, and the usage is partial: %v", i, meter.Final(), answer.Partial)
			}
			if seen := meter.Seen(); seen < answer.Seen {
				t.Fatalf("answer %d: %d output tokens seen, and there are %d", i, seen, answer.Seen)
			}
		}
	}
}

// brokenAnswers end at every byte: what has been seen and reported by then must
// be part of the whole.
func (s Suite) brokenAnswers(t *testing.T, sample Sample) {
	for i, answer := range sample.Answers {
		step := max(1, len(answer.Received)/500)
		for end := 0; end < len(answer.Received); end += step {
			meter := s.watch(t, sample)
			forwarded, err := pass(meter, answer.Stream, strings.NewReader(answer.Received[:end]))
			if err != nil {
				t.Fatal(err)
			}
			if !answer.Stream && forwarded != answer.Received[:end] {
				t.Fatalf("answer %d cut at %d: forwarded %q", i, end, forwarded)
			}
			usage, reported := meter.Usage()
			if reported && (answer.Usage == nil || usage.InputTokens > answer.Usage.InputTokens || usage.OutputTokens > answer.Usage.OutputTokens) {
				t.Fatalf("answer %d cut at %d: usage %+v is more than the whole answer's", i, end, usage)
			}
		}
	}
}

// pass does what the proxy does with an answer.
func pass(meter plugins.Meter, stream bool, src io.Reader) (string, error) {
	var forwarded bytes.Buffer
	if !stream {
		buffer := make([]byte, 512)
		for {
			n, err := src.Read(buffer)
			meter.Body(buffer[:n])
			forwarded.Write(buffer[:n])
			if err == io.EOF {
				return forwarded.String(), nil
			}
			if err != nil {
				return "", err
			}
		}
	}
	events := plugins.NewEventReader(src, 0)
	for {
		raw, err := events.Next()
		if err == io.EOF {
			return forwarded.String(), nil
		}
		if err != nil {
			return "", err
		}
		forwarded.Write(meter.Event(raw))
	}
}

// randomReader reads a few bytes at a time.
type randomReader struct {
	src    io.Reader
	random *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	return r.src.Read(p[:min(len(p), 1+r.random.IntN(40))])
}

// hostileAnswers must not be dropped, changed or believed.
func (s Suite) hostileAnswers(t *testing.T) {
	junk := []string{
		"", "\n", "\n\n", ":\n\n", "data:\n\n", "data: \n\n", "data: [DONE]\n\n", "data: {\n\n", "data: []\n\n", "data: null\n\n",
		"data: {\"usage\":[]}\n\n", "data: {\"usage\":{}}\n\n", "data: {\"usage\":\"\xff\"}\n\n", "data: {\"usage\":{\"prompt_tokens\":\"x\"}}\n\n",
		"data: {\"usage\":{\"prompt_tokens\":1e99}}\n\n", "data: {\"usage\":{\"total_tokens\":-1}}\n\n",
		"<html>\"usage\"</html>", "\x00\x01\x02\"usage\"\n\n", "data: " + strings.Repeat("[", 20_000) + "\"usage\"\n\n",
	}
	for _, sample := range s.Samples {
		events, body := s.watch(t, sample), s.watch(t, sample)
		for _, text := range junk {
			if got := events.Event([]byte(text)); string(got) != text {
				t.Errorf("%s: event %.40q became %.40q", sample.Name, text, got)
			}
			body.Body([]byte(text))
		}
		for _, meter := range []plugins.Meter{events, body} {
			if usage, reported := meter.Usage(); reported {
				t.Errorf("%s: junk was read as usage %+v", sample.Name, usage)
			}
		}
	}
}

// responseHeaders must not carry a provider's cookies, challenges, framing or
// the owner's affairs.
func (s Suite) responseHeaders(t *testing.T) {
	upstream := http.Header{"Content-Type": {"application/json"}, "Retry-After": {"7"}}
	for _, name := range []string{
		"Set-Cookie", "Www-Authenticate", "Proxy-Authenticate", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
		"Upgrade", "Trailer", "Location", "Refresh", "Clear-Site-Data", "Strict-Transport-Security", "Alt-Svc", "Server", "Via",
		"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Content-Security-Policy", "Service-Worker-Allowed",
		"Openai-Organization", "X-Ratelimit-Remaining-Requests", "Dpop-Nonce",
	} {
		upstream.Set(name, "canary")
	}
	got := s.Provider.ResponseHeader(upstream)
	for name, values := range got {
		if strings.Contains(strings.Join(values, " "), "canary") {
			t.Errorf("%s of the provider reaches the client", name)
		}
	}
	if got.Get("Content-Type") != "application/json" || got.Get("Retry-After") != "7" {
		t.Errorf("Content-Type or Retry-After is missing from %v", got)
	}
	got.Set("Content-Type", "changed")
	if upstream.Get("Content-Type") != "application/json" {
		t.Error("the map is the provider's own")
	}
}
