package openai

import (
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

const (
	benchChat = `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant. Answer in one short sentence."},` +
		`{"role":"user","content":"Harbour: where should I keep my keys?"}],"max_tokens":256,"temperature":0.2}`
	benchAnswer = `{"id":"chatcmpl-bench000001","object":"chat.completion","created":1715367049,"model":"gpt-4o-mini-2024-07-18",` +
		`"choices":[{"index":0,"message":{"role":"assistant","content":"Keep your keys at home, and let the apps come and ask.","refusal":null,"annotations":[]},` +
		`"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":24,"completion_tokens":12,"total_tokens":36,` +
		`"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default"}` + "\n"
)

// BenchmarkChat is all that the dialect does for a chat that is not streamed,
// sent to a server that is not the manifest's.
func BenchmarkChat(b *testing.B) {
	p := provider(b)
	r := chatRequest(benchChat)
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Authorization": {"DPoP token"}, "Dpop": {"proof"}}
	upstream := http.Header{"Content-Type": {"application/json"}, "Date": {"Thu, 01 Jan 1970 00:00:00 GMT"}, "Content-Length": {"500"}}
	answer, key := []byte(benchAnswer), []byte("sk-bench-0123456789abcdef0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		p.TakesUpload(r)
		p.TakesUpload(r)
		call, err := p.Describe(r)
		if err == nil {
			err = call.SpellOutputCap()
		}
		if err == nil {
			err = plugins.Authorize(call.Header, p.Manifest(), key)
		}
		if err != nil {
			b.Fatal(err)
		}
		meter := p.NewMeter(call)
		p.ResponseHeader(upstream)
		meter.Body(answer)
		meter.Usage()
		if !meter.Final() {
			b.Fatal("the answer has no usage")
		}
	}
}

// BenchmarkBody is the meter's part of an answer that is not streamed.
func BenchmarkBody(b *testing.B) {
	p := provider(b)
	call, err := p.Describe(chatRequest(benchChat))
	if err != nil {
		b.Fatal(err)
	}
	answer := []byte(benchAnswer)
	b.ReportAllocs()
	for b.Loop() {
		meter := p.NewMeter(call)
		meter.Body(answer)
		meter.Final()
	}
}

func BenchmarkMeterEvent(b *testing.B) {
	p := provider(b)
	call, err := p.Describe(chatRequest(`{"model":"gpt-4o","stream":true}`))
	if err != nil {
		b.Fatal(err)
	}
	event := []byte(`data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":1741570283,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_fc9f1d7035","choices":[{"index":0,"delta":{"content":" hello"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aBcDeF"}` + "\n\n")
	meter := p.NewMeter(call)
	meter.Event(event)
	b.ReportAllocs()
	for b.Loop() {
		meter.Event(event)
		meter.Seen()
	}
}

func BenchmarkDescribeChat(b *testing.B) {
	p := provider(b)
	r := chatRequest(benchChat)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Describe(r); err != nil {
			b.Fatal(err)
		}
	}
}
