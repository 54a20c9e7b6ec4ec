package main

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

const (
	wholeAnswer = `{"id":"chatcmpl-bench000001","object":"chat.completion","created":1715367049,"model":"gpt-4o-mini-2024-07-18",` +
		`"choices":[{"index":0,"message":{"role":"assistant","content":"Keep your keys at home, and let the apps come and ask.","refusal":null,"annotations":[]},` +
		`"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":24,"completion_tokens":12,"total_tokens":36,` +
		`"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default"}` + "\n"

	chunkHead  = `data: {"id":"chatcmpl-bench000001","object":"chat.completion.chunk","created":1715367049,"model":"gpt-4o-mini-2024-07-18","choices":[`
	firstEvent = chunkHead + `{"index":0,"delta":{"role":"assistant","content":"Keep"},"finish_reason":null}]}` + "\n\n"
	lastEvents = chunkHead + `{"index":0,"delta":{"content":" them."},"finish_reason":"stop"}]}` + "\n\n" +
		chunkHead + `],"usage":{"prompt_tokens":24,"completion_tokens":2,"total_tokens":26}}` + "\n\ndata: [DONE]\n\n"
)

// held is the word in a request that makes the upstream hold a stream after
// its first event until it is told to release it.
const held = "hold the line"

// playUpstream answers chat completions as OpenAI does, and as fast as it can.
func playUpstream(part) (*player, error) {
	released := make(chan struct{})
	pl, err := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if !bytes.Contains(body, []byte(`"stream":true`)) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, wholeAnswer)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, firstEvent)
		_ = http.NewResponseController(w).Flush()
		if bytes.Contains(body, []byte(held)) {
			select {
			case <-released:
			case <-r.Context().Done():
			}
		}
		_, _ = io.WriteString(w, lastEvents)
	}))
	if err == nil {
		pl.release = sync.OnceFunc(func() { close(released) })
	}
	return pl, err
}
