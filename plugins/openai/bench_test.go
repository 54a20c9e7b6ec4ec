package openai

import "testing"

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
	r := chatRequest(`{"model":"gpt-4o","stream":true,"messages":[{"role":"system","content":"You are a helpful assistant that answers in one short sentence."},{"role":"user","content":"What is the capital of France, and why does anybody ask a machine for it?"}],"temperature":0.2}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Describe(r); err != nil {
			b.Fatal(err)
		}
	}
}
