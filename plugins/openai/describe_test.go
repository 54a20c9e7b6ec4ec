package openai

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"

	"github.com/keywicket/keywicket/plugins"
)

func TestResponseFacts(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct {
		name, members string
		want          plugins.Facts
	}{
		{"plain", `"input":"hi"`, plugins.Facts{}},
		{"nulls", `"input":"hi","stream":null,"max_output_tokens":null,"tools":null,"background":null,"prompt":null,"previous_response_id":null,"conversation":null,"service_tier":null`, plugins.Facts{}},
		{"stream and cap", `"input":"hi","stream":true,"max_output_tokens":16`, plugins.Facts{Stream: true, OutputTokens: 16}},
		{"in the foreground", `"input":"hi","background":false,"store":true,"service_tier":"flex"`, plugins.Facts{}},
		{"no tools", `"input":"hi","tools":[]`, plugins.Facts{}},
		{"a function", `"input":"hi","tools":[{"type":"function","name":"f","parameters":{"properties":{"model":{"type":"string"}}}}]`, plugins.Facts{Tools: true}},
		{"tools of the app", `"input":"hi","tools":[{"type":"custom","name":"x"},{"type":"local_shell"},{"type":"apply_patch"},{"type":"computer_use_preview"}]`, plugins.Facts{Tools: true}},
		{"web search", `"input":"hi","tools":[{"type":"web_search"}]`, plugins.Facts{Tools: true, InputUnknown: true}},
		{"dated web search", `"input":"hi","tools":[{"type":"web_search_preview_2025_03_11"}]`, plugins.Facts{Tools: true, InputUnknown: true}},
		{"file search", `"input":"hi","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]`, plugins.Facts{Tools: true, InputUnknown: true}},
		{"code interpreter", `"input":"hi","tools":[{"type":"code_interpreter","container":{"type":"auto"}}]`, plugins.Facts{Tools: true, InputUnknown: true}},
		{"mcp", `"input":"hi","tools":[{"type":"mcp","server_label":"x","server_url":"https://example.com/mcp"}]`, plugins.Facts{Tools: true, InputUnknown: true}},
		{"a tool nobody knows", `"input":"hi","tools":[{"type":"x_new"}]`, plugins.Facts{Tools: true, InputUnknown: true}},
		{"a stored prompt", `"prompt":{"id":"pmpt_1","version":"2"}`, plugins.Facts{Tools: true, InputUnknown: true}},
		{"an earlier response", `"input":"hi","previous_response_id":"resp_1"`, plugins.Facts{InputUnknown: true}},
		{"a conversation", `"input":"hi","conversation":{"id":"conv_1"}`, plugins.Facts{InputUnknown: true}},
		{"a file by id", `"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]`, plugins.Facts{InputUnknown: true}},
		{"a file by URL", `"input":[{"role":"user","content":[{"type":"input_file","file_url":"https://example.com/a.pdf"}]}]`, plugins.Facts{InputUnknown: true}},
		{"a file", `"input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}]}]`, plugins.Facts{InputUnknown: true}},
		{"an image by id", `"input":[{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}]`, plugins.Facts{InputUnknown: true}},
		{"an item by reference", `"input":[{"type":"item_reference","id":"msg_1"}]`, plugins.Facts{InputUnknown: true}},
		{"an item by its id alone", `"input":[{"id":"msg_1"}]`, plugins.Facts{InputUnknown: true}},
		{"an item with an id", `"input":[{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"x"}]}]`, plugins.Facts{}},
		{"the output of a function", `"input":[{"type":"function_call_output","call_id":"c","output":"12"}]`, plugins.Facts{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			body := `{"model":"gpt-4.1",` + row.members + `}`
			call, err := p.Describe(jsonRequest("/v1/responses", body))
			if err != nil {
				t.Fatal(err)
			}
			got := call.Facts
			if n := call.CountInput(); n > got.InputTokens || n < 1 {
				t.Errorf("counted %d of at most %d", n, got.InputTokens)
			}
			row.want.Action, row.want.Model, row.want.Choices, row.want.InputTokens = Responses, "gpt-4.1", 1, got.InputTokens
			if got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
			if string(call.Body) != body {
				t.Errorf("sent as %s", call.Body)
			}
		})
	}
}

func TestActionsRefuse(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct{ path, members, param string }{
		{"/responses", `"model":"a","background":true`, "background"},
		{"/responses", `"model":"a","background":"true"`, "background"},
		{"/responses", `"model":"a","background":1`, "background"},
		{"/responses", `"model":"a","Background":true`, "Background"},
		{"/responses", `"model":"a","max_tokens":5`, "max_tokens"},
		{"/responses", `"model":"a","max_output_tokens":0`, "max_output_tokens"},
		{"/responses", `"model":"a","maxOutputTokens":5`, "maxOutputTokens"},
		{"/responses", `"model":"a","service_tier":"priority"`, "service_tier"},
		{"/responses", `"model":"a","service_tier":7`, "service_tier"},
		{"/responses", `"model":"a","tools":{}`, "tools"},
		{"/responses", `"model":"a","tools":[{"type":"image_generation","model":"gpt-image-2"}]`, "tools"},
		{"/responses", `"model":"a","tools":[{"type":"function","name":"f"},{"type":"image_generation"}]`, "tools"},
		{"/responses", `"model":"a","tools":[{"type":"openrouter:x","parameters":{"Model":"b"}}]`, "tools"},
		{"/responses", `"model":"a","tools":[{"type":"function"},{"type":"x","a":[{"models":["b"]}]}]`, "tools"},
		{"/responses", `"model":"a","preset":"pro-search"`, "preset"},
		{"/responses", `"model":"a","models":["b"]`, "models"},
		{"/responses", `"input":"hi"`, "model"},
		{"/responses", `"model":null,"input":"hi"`, "model"},
		{"/responses", `"model":"a","n":2`, "n"},
		{"/chat/completions", `"model":"a","service_tier":"fast"`, "service_tier"},
		{"/chat/completions", `"model":"a","tools":[{"type":"x","model":"b"}]`, "tools"},
		{"/embeddings", `"input":"hi"`, "model"},
		{"/embeddings", `"model":"a","stream":true`, "stream"},
		{"/embeddings", `"model":"a","provider":{"only":["x"]}`, "provider"},
		{"/moderations", `"model":null`, "model"},
		{"/moderations", `"model":["a"]`, "model"},
		{"/images/generations", `"model":null,"prompt":"x"`, "model"},
		{"/images/generations", `"prompt":"x","n":11`, "n"},
		{"/images/generations", `"prompt":"x","n":0`, "n"},
		{"/images/generations", `"prompt":"x","stream":"true"`, "stream"},
		{"/images/generations", `"prompt":"x","frame_count":1000`, "frame_count"},
		{"/images/generations", `"prompt":"x","size":7`, "size"},
		{"/images/generations", `"prompt":"x","steps":7`, "steps"},
		{"/audio/speech", `"input":"x"`, "model"},
		{"/audio/speech", `"model":"a","input":["x"]`, "input"},
		{"/audio/speech", `"model":"a","speed":0.1`, "speed"},
		{"/audio/speech", `"model":"a","speed":"1"`, "speed"},
		{"/audio/speech", `"model":"a","stream_format":true`, "stream_format"},
	} {
		_, err := p.Describe(jsonRequest("/v1"+row.path, "{"+row.members+"}"))
		var refused *plugins.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Param != row.param {
			t.Errorf("%s %s: got %#v, want 400 that names %s", row.path, row.members, err, row.param)
		}
	}
}

// Members of other services are forwarded to those services alone, and the ones
// by which a request could get another model, host, price or tool to none.
func TestMembersOfOtherServices(t *testing.T) {
	t.Parallel()
	own := map[string][]string{
		"llm:groq":       {"include_reasoning", "reasoning_format", "documents"},
		"llm:deepseek":   {"thinking"},
		"llm:mistral":    {"safe_prompt", "random_seed", "prompt_mode"},
		"llm:perplexity": {"search_domain_filter", "search_recency_filter"},
		"llm:openrouter": {"reasoning", "transforms", "usage"},
		"llm:fireworks":  {"prompt_truncate_len"},
		"llm:together":   {"context_length_exceeded_behavior"},
		"llm:cerebras":   {"clear_thinking"},
	}
	diverts := []string{
		"models", "route", "provider", "plugins", "preset", "search_parameters", "deferred", "safety_model", "compound_custom", "user_config",
		"api_base", "base_url", "fallbacks", "extra_body", "data_sources", "guardrails", "background", "search_settings", "options", "template",
	}
	manifests, err := plugins.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifests {
		if m.Dialect != Dialect {
			continue
		}
		p, err := New(m)
		if err != nil {
			t.Fatal(err)
		}
		accepted := func(name string) bool {
			_, err := p.Describe(chatRequest(`{"model":"a","messages":[],"` + name + `":null}`))
			return err == nil
		}
		for service, names := range own {
			for _, name := range names {
				shared := slices.Contains(chatExtras(m.ID), name) // by another name of the same thing
				if accepted(name) != (service == m.ID || shared) {
					t.Errorf("%s of %s at %s: accepted is %v", name, service, m.ID, accepted(name))
				}
			}
		}
		for _, name := range diverts {
			if accepted(name) {
				t.Errorf("%s accepts %s", m.ID, name)
			}
		}
	}
}

// All that OpenAI's own SDK can send is known, so that none of its users is
// refused.
func TestMembersCoverTheSDKs(t *testing.T) {
	t.Parallel()
	for action, params := range map[string]reflect.Type{
		Responses: reflect.TypeFor[responses.ResponseNewParams](), Embeddings: reflect.TypeFor[sdk.EmbeddingNewParams](),
		Moderations: reflect.TypeFor[sdk.ModerationNewParams](), ImagesGenerations: reflect.TypeFor[sdk.ImageGenerateParams](),
		AudioSpeech: reflect.TypeFor[sdk.AudioSpeechNewParams](), ImagesEdits: reflect.TypeFor[sdk.ImageEditParams](),
		AudioTranscriptions: reflect.TypeFor[sdk.AudioTranscriptionNewParams](), AudioTranslations: reflect.TypeFor[sdk.AudioTranslationNewParams](),
	} {
		known := slices.Concat(members(action), fields(action))
		n := 0
		for i := range params.NumField() {
			name, _, _ := strings.Cut(params.Field(i).Tag.Get("json"), ",")
			if name == "" || name == "-" {
				continue
			}
			if n++; !slices.Contains(known, name) {
				t.Errorf("%s: %s is refused", action, name)
			}
		}
		if n < 2 {
			t.Errorf("%s: the SDK has only %d members", action, n)
		}
	}
}

func TestFormsRefuse(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for name, r := range map[string]plugins.Request{
		"no model":          formRequest("/v1/audio/transcriptions", "file", "x", "prompt", "y"),
		"an empty model":    formRequest("/v1/audio/transcriptions", "file", "x", "model", ""),
		"a spaced model":    formRequest("/v1/audio/transcriptions", "file", "x", "model", " whisper-1"),
		"a long model":      formRequest("/v1/audio/transcriptions", "file", "x", "model", strings.Repeat("m", 300)),
		"two models":        formRequest("/v1/audio/transcriptions", "file", "x", "model", "a", "model", "b"),
		"a list of models":  formRequest("/v1/audio/transcriptions", "file", "x", "model", "a", "model[]", "b"),
		"a model as a file": formRequest("/v1/audio/transcriptions", "model", "whisper-1"),
		"a file as a field": formRequest("/v1/audio/transcriptions", "file", "x", "model", "a", "file", "y"),
		"a file by URL":     formRequest("/v1/audio/transcriptions", "file", "x", "model", "a", "url", "https://example.com/a.mp3"),
		"an unknown field":  formRequest("/v1/audio/transcriptions", "file", "x", "model", "a", "fallbacks", "b"),
		"a charset field":   formRequest("/v1/audio/transcriptions", "file", "x", "model", "a", "_charset_", "utf-16"),
		"an unknown file":   formRequest("/v1/audio/transcriptions", "other", "x", "model", "a"),
		"stream 1":          formRequest("/v1/audio/transcriptions", "file", "x", "model", "a", "stream", "1"),
		"stream True":       formRequest("/v1/audio/transcriptions", "file", "x", "model", "a", "stream", "True"),
		"translated stream": formRequest("/v1/audio/translations", "file", "x", "model", "a", "stream", "true"),
		"eleven images":     formRequest("/v1/images/edits", "image", "x", "model", "a", "n", "11"),
		"two and a bit":     formRequest("/v1/images/edits", "image", "x", "model", "a", "n", "2.0"),
		"plus two":          formRequest("/v1/images/edits", "image", "x", "model", "a", "n", "+2"),
		"zero frames":       formRequest("/v1/images/edits", "image", "x", "model", "a", "frame_count", "0"),
	} {
		r.Upload, r.Body = io.NewSectionReader(bytes.NewReader(r.Body), 0, int64(len(r.Body))), nil
		call, err := p.Describe(r)
		var refused *plugins.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || call != nil {
			t.Errorf("%s: got %v, %v", name, call, err)
		}
	}
	r := formRequest("/v1/images/edits", "image", "x", "prompt", "y")
	if call, err := p.Describe(r); err != nil || call.Facts.Model != "" {
		t.Errorf("an edit without a model: %+v, %v", call, err)
	}
	if r.Header.Set("Content-Encoding", "gzip"); true {
		if _, err := p.Describe(r); err == nil {
			t.Error("a coded form is accepted")
		}
	}
}

// How much an image or a speech may be follows from the request; a cap below it
// is refused, one above it changes nothing.
func TestOutputThatCannotBeCut(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for body, want := range map[string]int64{
		`{"prompt":"x"}`: 8540, `{"prompt":"x","quality":"low","size":"1024x1024"}`: 2572, `{"prompt":"x","quality":"high","size":"1024x1024"}`: 6460,
		`{"prompt":"x","quality":"max","size":"3840x2160"}`: 133925, `{"prompt":"x","quality":"low","size":"999999x999999"}`: 2708,
		`{"prompt":"x","quality":"low","size":"1024x1024","output_format":"gif","frame_count":12}`: 30864,
	} {
		call, err := p.Describe(jsonRequest("/v1/images/generations", body))
		if err != nil || call.Facts.OutputTokens != want {
			t.Errorf("%s: %d, want %d (%v)", body, call.Facts.OutputTokens, want, err)
			continue
		}
		var refused *plugins.Error
		if err := call.SetOutputCap(want - 1); !errors.As(err, &refused) || refused.Code != "output_cap_exceeded" {
			t.Errorf("%s: capped: %v", body, err)
		}
		if err := call.SetOutputCap(want); err != nil || string(call.Body) != body || call.Facts.OutputTokens != want {
			t.Errorf("%s: became %s, %v", body, call.Body, err)
		}
	}
	for body, want := range map[string]int64{
		`{"model":"a","input":"twelve bytes"}`: 44, `{"model":"a","input":"twelve bytes","speed":4}`: 44, `{"model":"a","input":"twelve bytes","speed":0.25}`: 116,
	} {
		if call, err := p.Describe(jsonRequest("/v1/audio/speech", body)); err != nil || call.Facts.OutputTokens != want {
			t.Errorf("%s: %d, want %d (%v)", body, call.Facts.OutputTokens, want, err)
		}
	}
}

// The bound is a byte a token, but for media; the count is the tokenizer's.
func TestInputIsBoundedAndCounted(t *testing.T) {
	t.Parallel()
	p := provider(t)
	big := strings.Repeat("A", 300_000)
	for _, row := range []struct {
		name, path, body string
		left             int   // bytes of media in the body
		media            int64 // tokens of it
		count            int64
	}{
		{"chat", "/chat/completions", `{"model":"gpt-4o","messages":[{"role":"system","content":"You are brief."},{"role":"user","content":"hello world"}]}`, 0, 0, 2*perMessage + perRequest + 11},
		{"escapes", "/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"\u4f60\u597d"}]}`, 0, 0, perMessage + perRequest + 4},
		{"an image", "/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + big + `"}}]}]}`, len(big) + 24, 1445, 1445 + perMessage + perRequest + 9},
		{"a small image", "/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"low"}}]}]}`, 27, 85, 85 + perMessage + perRequest + 7},
		{"images of a dear model", "/chat/completions", `{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.example"}},{"type":"image_url","image_url":{"url":"https://b.example"}}]}]}`, 38, 2 * 48169, 2*48169 + 18},
		{"an image for another maker", "/chat/completions", `{"model":"llama-4","messages":[{"role":"user","content":[{"type":"image_url","image_url":"https://a.example"}]}]}`, 19, 16384, 16384 + perMessage + perRequest + 8},
		{"sound", "/chat/completions", `{"model":"gpt-4o-audio-preview","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"` + big + `","format":"wav"}}]}]}`, len(big) + 2, 4688, 4688 + 16},
		{"tools", "/chat/completions", `{"model":"gpt-4o","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}`, 0, 0, 22},
		{"a response", "/responses", `{"model":"gpt-4.1","input":"hello world","instructions":"You are brief."}`, 0, 0, perRequest + 7},
		{"sealed reasoning", "/responses", `{"model":"o4-mini","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"` + big[:1000] + `"}]}`, 1002, 502, 0},
		{"tokens", "/embeddings", `{"model":"text-embedding-3-small","input":[[1,22,333],[4444]]}`, 0, 0, 4 + 2*perMessage + perRequest},
		{"texts", "/embeddings", `{"model":"text-embedding-3-small","input":["hello world","hello"]}`, 0, 0, 5 + 2*perMessage + perRequest},
		{"names and numbers", "/responses", `{"model":"gpt-4.1","input":[{"type":"x","args":{"a long name":12345,"b":true}}]}`, 0, 0, perMessage + perRequest + 15},
		{"what goes into a template", "/chat/completions", `{"model":"gpt-4o","messages":[],"seed":5,"reasoning_effort":"low"}`, 0, 0, 0},
		{"speech", "/audio/speech", `{"model":"gpt-4o-mini-tts","input":"hello world","instructions":"slowly"}`, 0, 0, 0},
	} {
		call, err := p.Describe(jsonRequest("/v1"+row.path, row.body))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		want := int64(len(row.body)-row.left) + row.media
		if call.Facts.InputTokens != want || call.Facts.InputUnknown {
			t.Errorf("%s: bounded by %d, want %d; unknown is %v", row.name, call.Facts.InputTokens, want, call.Facts.InputUnknown)
		}
		if n := call.CountInput(); n > call.Facts.InputTokens || row.count > 0 && n != row.count {
			t.Errorf("%s: counted %d, want %d", row.name, n, row.count)
		}
	}
}

// A close count leaves nothing out that some model may read.
func TestInputIsCountedWhereverItHides(t *testing.T) {
	t.Parallel()
	const text = "eleven words of no meaning stand here to be counted once "
	words := strings.Repeat(text, 100)
	for id, body := range map[string]string{
		"llm:together": `"messages":[],"chat_template_kwargs":{"system":"` + words + `"}`,
		"llm:openai":   `"messages":[{"role":"assistant","tool_calls":[{"function":{"` + words + `":1}}]}]`,
		"llm:groq":     `"messages":[],"documents":[{"text":"` + words + `"}]`,
		"llm:mistral":  `"messages":[{"role":"user","content":[` + strings.Repeat("123456789,", 300) + `1]}]`,
		"llm:xai":      `"messages":[],"response_format":{"` + words + `":{}}`,
		"llm:cohere":   `"messages":[{"role":"user","content":"` + strings.Repeat(" ", 9000) + `"}]`,
	} {
		call, err := shipped(t, id).Describe(chatRequest(`{"model":"gpt-4o",` + body + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if n := call.CountInput(); n < 900 || n > call.Facts.InputTokens {
			t.Errorf("%s: %d tokens, bounded by %d", id, n, call.Facts.InputTokens)
		}
	}
}

// What a model does not use of a prediction is billed as output.
func TestPredictionsAreHeld(t *testing.T) {
	t.Parallel()
	guess := strings.Repeat("func main() {} ", 100)
	plain := mustDescribe(t, chatRequest(`{"model":"gpt-4o","messages":[]}`))
	call := mustDescribe(t, chatRequest(`{"model":"gpt-4o","messages":[],"prediction":{"type":"content","content":"`+guess+`"}}`))
	if more := call.Facts.InputTokens - plain.Facts.InputTokens; more < 5*int64(len(guess)) {
		t.Errorf("the bound is %d more for a guess of %d bytes", more, len(guess))
	}
	if more := call.CountInput() - plain.CountInput(); more < 2000 || more > 2500 {
		t.Errorf("the count is %d more", more)
	}
}

func TestRecordingsAreMeasured(t *testing.T) {
	t.Parallel()
	wave := func(kind, align, bits uint16, field, samples uint32, bytes int) string {
		header := []byte("RIFF\x00\x00\x00\x00WAVELIST\x04\x00\x00\x00INFOfmt \x10\x00\x00\x00")
		header = binary.LittleEndian.AppendUint16(header, kind)
		header = binary.LittleEndian.AppendUint16(header, 1)
		header = binary.LittleEndian.AppendUint32(header, samples)
		header = binary.LittleEndian.AppendUint32(header, field)
		header = binary.LittleEndian.AppendUint16(header, align)
		header = binary.LittleEndian.AppendUint16(header, bits)
		return string(header) + strings.Repeat("s", bytes)
	}
	for name, row := range map[string]struct {
		content string
		want    int64 // tokens of the recording
	}{
		"ten seconds":            {wave(1, 2, 16, 32_000, 16_000, 320_000), 101},
		"floats":                 {wave(3, 4, 32, 64_000, 16_000, 640_000), 101},
		"a field too slow":       {wave(1, 2, 16, 1, 16_000, 10_000), 101}, // no slower than can be
		"a field that lies":      {wave(1, 2, 16, 4_000_000_000, 16_000, 320_000), 101},
		"a block that lies":      {wave(1, 60_000, 16, 4_000_000_000, 16_000, 320_000), 101},
		"samples that lie":       {wave(1, 1, 8, 8_000, 4_000_000_000, 80_000), 101},
		"a codec's field":        {wave(0x31, 65, 0, 4_000_000_000, 8_000, 7_500), 101},
		"another format":         {strings.Repeat("o", 7_500), 100},
		"half a header":          {wave(1, 2, 16, 32_000, 16_000, 0)[:20], 1},
		"a header without bytes": {wave(1, 2, 16, 32_000, 16_000, 0)[:40], 1},
		"nothing":                {"", 0},
		"an endless chunk":       {"RIFF\x00\x00\x00\x00WAVELIST\xff\xff\xff\xff" + strings.Repeat("s", 2000), 27},
	} {
		call := mustDescribe(t, formRequest("/v1/audio/transcriptions", "file", row.content, "model", "whisper-1"))
		bound := int64(len(row.content)/audioBytes) + 1 + int64(len("modelwhisper-1"))
		if call.Facts.InputTokens != bound {
			t.Errorf("%s: bounded by %d, want %d", name, call.Facts.InputTokens, bound)
		}
		if n := call.CountInput(); n > bound || n < row.want || n > row.want+20 {
			t.Errorf("%s: %d tokens, want about %d", name, n, row.want)
		}
	}
}

func TestResponseCap(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for in, want := range map[string]string{
		`{"model":"a","input":"x"}`:                            `{"model":"a","input":"x","max_output_tokens":99}`,
		`{"model":"a","max_output_tokens": 1000 ,"input":"x"}`: `{"model":"a","max_output_tokens": 99 ,"input":"x"}`,
		`{"model":"a","max_output_tokens":50}`:                 `{"model":"a","max_output_tokens":50}`,
		`{"model":"a","max_output_tokens":null}`:               `{"model":"a","max_output_tokens":99}`,
	} {
		call, err := p.Describe(jsonRequest("/v1/responses", in))
		if err != nil {
			t.Fatal(err)
		}
		if err := call.SetOutputCap(99); err != nil || string(call.Body) != want {
			t.Errorf("%s became %s, want %s (%v)", in, call.Body, want, err)
		}
		if !strings.Contains(want, `"max_output_tokens":`+strconv.FormatInt(call.Facts.OutputTokens, 10)) && call.Facts.OutputTokens != 99 {
			t.Errorf("%s: facts say %d", in, call.Facts.OutputTokens)
		}
	}
}
