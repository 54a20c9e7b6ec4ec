package plugintest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/keywicket/keywicket/plugins"
)

// failures must be one JSON value, and one event, whatever the message holds.
func (s Suite) failures(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 413, 415, 429, 500, 502, 503, 504} {
		for _, message := range []string{
			"", "plain words", "line\nend\r\nand\rmore", `"quoted" \ back`, "</script>", "invalid \xff UTF-8", "\u2028", strings.Repeat("long ", 1000),
		} {
			f := plugins.Failure{Status: status, Code: "model_not_allowed", Message: message, RequestID: "req_1", Param: "model"}
			body := s.Provider.ErrorBody(f)
			if !json.Valid(body) || !utf8.Valid(body) {
				t.Fatalf("%d %q: not JSON: %q", status, message, body)
			}
			if !bytes.Contains(body, []byte(`"model_not_allowed"`)) {
				t.Errorf("%d: the code is not in %s", status, body)
			}
			s.oneEvent(t, s.Provider.ErrorEvent(f))
		}
	}
}

func (s Suite) oneEvent(t *testing.T, event []byte) {
	events := plugins.NewEventReader(bytes.NewReader(event), 0)
	raw, err := events.Next()
	blank := bytes.HasSuffix(event, []byte("\n\n")) || bytes.HasSuffix(event, []byte("\r\n\r\n"))
	if err != nil || !bytes.Equal(raw, event) || !blank {
		t.Fatalf("not one whole event: %q, %v", event, err)
	}
	if _, err := events.Next(); err != io.EOF {
		t.Fatalf("more than one event: %q", event)
	}
	data := plugins.EventData(raw)
	if !json.Valid(data) || !bytes.Contains(data, []byte(`"model_not_allowed"`)) {
		t.Errorf("the event's data is %q", data)
	}
}

// probe must be a plain GET of a plain path that has words for every answer and
// believes only success.
func (s Suite) probe(t *testing.T) {
	p := s.Provider.Probe()
	if p.Method != http.MethodGet || !strings.HasPrefix(p.Path, "/") || p.Header.Get(s.Provider.Manifest().Credential.Header) != "" {
		t.Errorf("the probe is %s %s with %v", p.Method, p.Path, p.Header)
	}
	seen := make(map[string]int)
	for _, status := range []int{0, 200, 204, 301, 307, 400, 401, 402, 403, 404, 418, 429, 500, 503, 599} {
		for _, body := range []string{"", "<html>canary</html>", `{"error":{"message":"canary","code":"canary","type":"canary"}}`, `{"canary":`} {
			verdict := p.Explain(status, []byte(body))
			if verdict.Words == "" || strings.Contains(verdict.Words, "canary") {
				t.Errorf("%d %q: says %q", status, body, verdict.Words)
			}
			if verdict.OK {
				t.Errorf("%d %q: counts as a working key", status, body)
			}
			seen[verdict.Words] = status
		}
	}
	if len(seen) < 7 {
		t.Errorf("all answers are explained in %d ways only", len(seen))
	}
	other := s.Provider.Probe()
	other.Header.Set("X-Canary", "1")
	if s.Provider.Probe().Header.Get("X-Canary") != "" {
		t.Error("probes share their headers")
	}
}
