package proxy

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
)

// mill is a provider that answers in as many words as its seed says, reports
// them, and knows itself what it has given. A word is a token.
type mill struct {
	most   int // words of an answer
	prompt int // input tokens it reports, which the gateway estimates higher
	fails  int // of a hundred requests, so many at once
	breaks int // and so many in the middle of a stream

	mu       sync.Mutex
	running  int
	random   *rand.Rand
	answered int // requests that got an answer, or a part
	reported int // tokens, input and output, of answers that came to their end
}

func newMill(seed uint64) *mill {
	return &mill{most: 60, prompt: 12, random: rand.New(rand.NewPCG(seed, 17))}
}

// turn is what becomes of one request.
type turn struct {
	fail    bool
	breakAt int // words; -1: whole
	words   int
}

func (m *mill) turn() turn {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running++
	t := turn{fail: m.random.IntN(100) < m.fails, breakAt: -1, words: 1 + m.random.IntN(m.most)}
	if m.random.IntN(100) < m.breaks {
		t.breakAt = m.random.IntN(t.words)
	}
	if !t.fail && t.breakAt != 0 {
		m.answered++
	}
	return t
}

func (m *mill) over() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
}

// idle says that all it is going to report is in reported.
func (m *mill) idle() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running == 0
}

type millRequest struct {
	Model  string `json:"model"`
	Stream bool   `json:"stream"`
	Cap    int    `json:"max_completion_tokens"`
	Other  int    `json:"max_tokens"`
}

// ServeHTTP implements http.Handler.
func (m *mill) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	var asked millRequest
	if json.Unmarshal(data, &asked) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	t := m.turn()
	defer m.over()
	if t.fail {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"error":{"message":"trouble","type":"server_error","code":null}}`)
		return
	}
	for _, limit := range []int{asked.Cap, asked.Other} {
		if limit > 0 {
			t.words = min(t.words, limit)
		}
	}
	if asked.Stream {
		m.stream(w, r, t)
		return
	}
	m.report(t.words)
	w.Header().Set("Content-Type", "application/json")
	text := ""
	for range t.words {
		text += " the"
	}
	fmt.Fprintf(w, `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":%s}`, text, m.usage(t.words))
}

func (m *mill) report(words int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reported += m.prompt + words
}

func (m *mill) usage(words int) string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, m.prompt, words, m.prompt+words)
}

// A word is one event of a stream; lastWord says that it was the last.
const (
	word     = `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" the"},"finish_reason":null}],"usage":null}` + "\n\n"
	lastWord = `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n"
)

func (m *mill) stream(w http.ResponseWriter, r *http.Request, t turn) {
	w.Header().Set("Content-Type", "text/event-stream")
	for n := range t.words {
		if n == t.breakAt {
			panic(http.ErrAbortHandler)
		}
		if _, err := io.WriteString(w, word); err != nil || r.Context().Err() != nil {
			return
		}
		if n%8 == 0 {
			_ = http.NewResponseController(w).Flush()
		}
	}
	_, _ = io.WriteString(w, lastWord)
	fmt.Fprintf(w, "data: {\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":%s}\n\ndata: [DONE]\n\n", m.usage(t.words))
	if http.NewResponseController(w).Flush() == nil {
		m.report(t.words)
	}
}
