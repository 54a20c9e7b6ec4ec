package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// river is a way in which answers are streamed.
type river struct {
	name, resource, path, body string
	media                      string // of the answer
	asked                      bool   // for the extra event with the usage, where there is one
	event                      func(*rand.Rand) (data string, extra bool)
}

// rivers are all that the dialects know. In each body, %d is where the number of
// the stream goes, by which the provider knows what to send.
func rivers() []river {
	const chat = `"messages":[{"role":"user","content":"stream %d"}]}`
	const contents = `{"contents":[{"role":"user","parts":[{"text":"stream %d"}]}]}`
	const gemini = "/r/llm/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent"
	return []river{
		{"openai chat", "llm:openai", "/r/llm/openai/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,` + chat, eventStream, false, chatEvent},
		{"openai chat with usage", "llm:openai", "/r/llm/openai/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},` + chat, eventStream, true, chatEvent},
		{"openai responses", "llm:openai", "/r/llm/openai/v1/responses", `{"model":"gpt-4o-mini","stream":true,"input":"stream %d"}`, eventStream, true, responseEvent},
		{"anthropic", "llm:anthropic", "/r/llm/anthropic/v1/messages", `{"model":"claude-haiku-4-5","max_tokens":9000,"stream":true,` + chat, eventStream, true, messageEvent},
		{"gemini events", "llm:gemini", gemini + "?alt=sse", contents, eventStream, true, contentEvent},
		{"gemini array", "llm:gemini", gemini, contents, plainJSON, true, nil},
	}
}

const eventStream = "text/event-stream"

// stream is number n of a river: what the provider sends, and what the client is
// to get of it.
func (f river) stream(n int) (sent, kept []byte) {
	random := rand.New(rand.NewPCG(uint64(n), 41))
	if f.event == nil {
		sent = array(random)
		return sent, sent
	}
	var from, to bytes.Buffer
	end := []string{"\n", "\r\n", "\r"}[random.IntN(3)]
	if random.IntN(20) == 0 {
		mark := "\ufeff: first" + end + end
		from.WriteString(mark)
		to.WriteString(mark)
	}
	for range random.IntN(25) {
		event, extra := f.block(random, end)
		from.WriteString(event)
		if !extra || f.asked {
			to.WriteString(event)
		}
	}
	tail := []string{"data: [DONE]" + end + end, "", "data: {\"unfinished\":", ": bye" + end, "data"}[random.IntN(5)]
	from.WriteString(tail)
	to.WriteString(tail)
	return from.Bytes(), to.Bytes()
}

// block is one event with its blank line, or what some server takes for one.
func (f river) block(random *rand.Rand, end string) (text string, extra bool) {
	var b strings.Builder
	for range random.IntN(3) {
		b.WriteString([]string{": ping", ":", "id: 7", "retry: 100", "event: delta", "event", "event:x", "unheard-of: é", "data", "\x00\xff\xfe"}[random.IntN(10)] + end)
	}
	switch random.IntN(12) {
	case 0:
		b.WriteString("data: " + words(random, 30) + end)
	case 1:
		noise := make([]byte, random.IntN(300))
		for i := range noise {
			if noise[i] = byte(random.Uint32()); noise[i] == '\n' || noise[i] == '\r' {
				noise[i] = '.'
			}
		}
		b.WriteString("data: " + string(noise) + "x" + end)
	case 2: // of nothing but a blank line, or comments
	default:
		var data string
		data, extra = f.event(random)
		b.WriteString([]string{"data: ", "data:"}[random.IntN(2)] + data + end)
	}
	return b.String() + end, extra
}

// words are in several scripts, seldom very many.
func words(random *rand.Rand, most int) string {
	if random.IntN(300) == 0 {
		most = 40_000
	}
	var b strings.Builder
	for range random.IntN(most + 1) {
		b.WriteString([]string{"the ", "fox ", "Übermut ", "日本語", "😀", `\n`, `\"`, `\u00e9`, "data: ", `\\`, "\u2028", "{[:,"}[random.IntN(12)])
	}
	return b.String()
}

func chatEvent(random *rand.Rand) (string, bool) {
	text := words(random, 8)
	switch random.IntN(8) {
	case 0:
		return fmt.Sprintf(`{"id":"x","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":2,"total_tokens":9}}`, random.IntN(50)), true
	case 1:
		return `{"id":"x","choices":[],"usage":null}`, false
	case 2:
		return `{"id":"x","choices":[{"index":0,"delta":{"content":"` + text + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}`, false
	case 3:
		return `{"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"` + text + `"}}]},"finish_reason":null}]}`, false
	case 4:
		return `{"error":{"message":"` + text + `","code":500}}`, false
	}
	return fmt.Sprintf(`{"id":"x","choices":[{"index":%d,"delta":{"content":"%s"},"finish_reason":null}],"usage":null}`, random.IntN(3), text), false
}

func responseEvent(random *rand.Rand) (string, bool) {
	if random.IntN(6) == 0 {
		return `{"type":"response.completed","response":{"id":"r","usage":{"input_tokens":5,"output_tokens":3,"total_tokens":8}}}`, false
	}
	kind := []string{"response.output_text.delta", "response.reasoning_summary_text.delta", "response.created", "response.unheard_of.delta", "error"}[random.IntN(5)]
	return `{"type":"` + kind + `","delta":"` + words(random, 8) + `","response":{"id":"r"}}`, false
}

func messageEvent(random *rand.Rand) (string, bool) {
	text := words(random, 8)
	return []string{
		`{"type":"message_start","message":{"id":"m","usage":{"input_tokens":5,"output_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"` + text + `"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + text + `"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"` + text + `"}}`,
		`{"type":"ping"}`, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}`, `{"type":"message_stop"}`,
		`{"type":"error","error":{"type":"overloaded_error","message":"` + text + `"}}`,
	}[random.IntN(8)], false
}

func contentEvent(random *rand.Rand) (string, bool) {
	usage := []string{"", `,"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":3,"totalTokenCount":8}`}[random.IntN(2)]
	finish := []string{"", `,"finishReason":"STOP"`}[random.IntN(2)]
	return `{"candidates":[{"content":{"parts":[{"text":"` + words(random, 8) + `"}],"role":"model"},"index":0` + finish + `}]` + usage + `}`, false
}

// array is a JSON array that grows, as Google writes it, or begins to be one.
func array(random *rand.Rand) []byte {
	var b bytes.Buffer
	b.WriteString("[")
	end := []string{"\n", "\r\n", ""}[random.IntN(3)]
	for n := range random.IntN(25) {
		if n > 0 {
			b.WriteString(end + "," + end)
		}
		text, _ := contentEvent(random)
		b.WriteString(strings.ReplaceAll(text, `,"`, ","+end+` "`))
	}
	b.WriteString([]string{"]", end + "]" + end, "", "]\x00\xff", `,{"candidates":[`}[random.IntN(5)])
	return b.Bytes()
}
