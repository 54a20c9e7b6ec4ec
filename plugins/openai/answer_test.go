package openai

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// asked are requests whose answers testdata/answers holds.
func asked(t testing.TB, name, model string) *plugins.Call {
	t.Helper()
	path, body := "/chat/completions", `{"model":"`+model+`","messages":[{"role":"user","content":"hi"}]`
	switch {
	case strings.HasPrefix(name, "responses"):
		path, body = "/responses", `{"model":"`+model+`","input":"hi"`
	case strings.HasPrefix(name, "images"):
		path, body = "/images/generations", `{"model":"gpt-image-1","prompt":"a fox","quality":"low","size":"1024x1024"`
	case strings.HasPrefix(name, "speech"):
		path, body = "/audio/speech", `{"model":"gpt-4o-mini-tts","voice":"coral","input":"hi","stream_format":"sse"`
	case strings.HasPrefix(name, "embeddings"):
		path, body = "/embeddings", `{"model":"text-embedding-3-small","input":"hi"`
	case strings.HasPrefix(name, "moderations"):
		path, body = "/moderations", `{"input":"hi"`
	case strings.HasPrefix(name, "transcription"):
		return mustDescribe(t, formRequest("/v1/audio/transcriptions", "file", "hello", "model", "gpt-4o-transcribe"))
	}
	if strings.Contains(name, "-choices") {
		body += `,"n":3`
	}
	if strings.Contains(name, "-two") || name == "images-silent.json" {
		body += `,"n":2`
	}
	if strings.HasSuffix(name, ".sse") && !strings.HasPrefix(name, "speech") {
		body += `,"stream":true`
	}
	return mustDescribe(t, jsonRequest("/v1"+path, body+"}"))
}

func mustDescribe(t testing.TB, r plugins.Request) *plugins.Call {
	t.Helper()
	p := provider(t)
	if p.TakesUpload(r) {
		r.Upload, r.Body = io.NewSectionReader(bytes.NewReader(r.Body), 0, int64(len(r.Body))), nil
	}
	call, err := p.Describe(r)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// answered sends an answer through a meter as the proxy does.
func answered(t testing.TB, name string, data []byte, meter plugins.Meter) (forwarded []byte) {
	t.Helper()
	if !strings.HasSuffix(name, ".sse") {
		for len(data) > 0 {
			n := min(len(data), 100)
			meter.Body(data[:n])
			forwarded, data = append(forwarded, data[:n]...), data[n:]
		}
		return forwarded
	}
	events := plugins.NewEventReader(bytes.NewReader(data), 0)
	last := int64(0)
	for {
		raw, err := events.Next()
		if err == io.EOF {
			return forwarded
		}
		if err != nil {
			t.Fatal(err)
		}
		forwarded = append(forwarded, meter.Event(raw)...)
		if seen := meter.Seen(); seen < last {
			t.Fatalf("seen falls from %d to %d", last, seen)
		} else {
			last = seen
		}
	}
}

// TestAnswers reads answers in the form that each provider documents. seen is
// what counts before, or instead of, a report.
func TestAnswers(t *testing.T) {
	t.Parallel()
	type used = plugins.Usage
	for _, row := range []struct {
		file, model string
		usage       *used // nil: nothing is reported
		seen        int64
		final       bool
	}{
		{"chat-stream.sse", "gpt-4o", &used{InputTokens: 19, OutputTokens: 10}, 10, true},
		{"chat-stream-silent.sse", "gpt-4o", nil, 9, false},
		{"chat-stream-tools.sse", "gpt-4o", &used{InputTokens: 83, CachedTokens: 64, OutputTokens: 17}, 17, true},
		{"chat-stream-choices.sse", "gpt-4o", &used{InputTokens: 12, OutputTokens: 13}, 13, true},
		{"chat-stream-deepseek.sse", "deepseek-reasoner", &used{InputTokens: 17, CachedTokens: 16, OutputTokens: 9}, 13, true},
		{"chat-stream-groq.sse", "llama-3.3-70b-versatile", &used{InputTokens: 18, OutputTokens: 4}, 6, true},
		{"chat-stream-openrouter.sse", "anthropic/claude-sonnet-4.5", &used{InputTokens: 194, CachedTokens: 100, CacheWriteTokens: 50, OutputTokens: 11, Cost: 747_850, CostStated: true}, 11, true},
		{"chat-stream-xai.sse", "grok-4.3", &used{InputTokens: 32, CachedTokens: 6, OutputTokens: 237, Cost: 3_775_601, CostStated: true}, 237, true},
		{"chat-stream-mistral.sse", "magistral-medium-2509", &used{InputTokens: 14, OutputTokens: 6}, 7, true},
		{"chat-stream-perplexity.sse", "sonar", &used{InputTokens: 7, OutputTokens: 3, Cost: 5_010_000, CostStated: true}, 5, true},
		{"chat-stream-audio.sse", "gpt-4o-audio-preview", nil, 2 + 4 + 4 + 1, false},
		{"chat-stream-cut.sse", "gpt-4o", nil, 3, false},
		{"chat-stream-error.sse", "gpt-4o", nil, 1, false},
		{"chat-stream-malformed.sse", "gpt-4o", nil, 25, false},
		{"chat-stream-interleaved.sse", "gpt-4o", &used{InputTokens: 9, OutputTokens: 3}, 3, true},
		{"chat.json", "gpt-4o", &used{InputTokens: 2006, CachedTokens: 1920, CacheWriteTokens: 64, OutputTokens: 300}, 300, true},
		{"chat-silent.json", "gpt-4o", nil, 163, false},
		{"chat-choices.json", "gpt-4o", &used{InputTokens: 19, OutputTokens: 30}, 398, true},
		{"chat-tools.json", "gpt-4o", &used{InputTokens: 82, OutputTokens: 17}, 307, true},
		{"chat-byok.json", "openai/gpt-4o", &used{InputTokens: 10339, OutputTokens: 60, Cost: 19_950_000_000, CostStated: true}, 232, true},
		{"chat-xai.json", "grok-4.3", &used{InputTokens: 32, CachedTokens: 6, OutputTokens: 103, Cost: 3_775_601, CostStated: true}, 444, true},
		{"chat-truncated.json", "gpt-4o", nil, 228, false},
		{"responses-stream.sse", "gpt-4.1", &used{InputTokens: 37, CachedTokens: 16, OutputTokens: 11}, 11, true},
		{"responses-stream-incomplete.sse", "gpt-4.1", &used{InputTokens: 37, OutputTokens: 16}, 16, true},
		{"responses-stream-failed.sse", "gpt-4.1", &used{InputTokens: 37, OutputTokens: 4}, 4, true},
		{"responses-stream-failed-silent.sse", "gpt-4.1", nil, 4, false},
		{"responses-stream-cut.sse", "gpt-4.1", nil, 8, false},
		{"responses-stream-tools.sse", "gpt-4.1", &used{InputTokens: 291, OutputTokens: 23}, 23, true},
		{"responses-stream-reasoning.sse", "o4-mini", &used{InputTokens: 45, OutputTokens: 75}, 75, true},
		{"responses-stream-image.sse", "gpt-4.1", &used{InputTokens: 350, OutputTokens: 4190}, 4190, true},
		{"responses.json", "gpt-4.1", &used{InputTokens: 36, CachedTokens: 12, OutputTokens: 87}, 420, true},
		{"responses-image.json", "gpt-4.1", &used{InputTokens: 86, OutputTokens: 4247}, 4247, true},
		{"responses-perplexity.json", "openai/gpt-5.2", &used{InputTokens: 36, OutputTokens: 87, Cost: 5_300_000, CostStated: true}, 478, true},
		{"images.json", "", &used{InputTokens: 50, OutputTokens: 272}, 902, true},
		{"images-silent.json", "", nil, 116, false},
		{"images-stream.sse", "", &used{InputTokens: 50, OutputTokens: 272}, 272, true},
		{"images-stream-two.sse", "", &used{InputTokens: 100, OutputTokens: 544}, 544, true},
		{"transcription.json", "", &used{InputTokens: 14, OutputTokens: 45}, 63, true},
		{"transcription-duration.json", "", &used{InputTokens: 270}, 31, true},
		{"transcription.srt", "", nil, 25, false},
		{"transcription-stream.sse", "", &used{InputTokens: 14, OutputTokens: 6}, 6, true},
		{"speech-stream.sse", "", &used{InputTokens: 14, OutputTokens: 101}, 101, true},
		{"speech-stream-cut.sse", "", nil, 3 * 8, false},
		{"embeddings.json", "", &used{InputTokens: 8}, 0, true},
		{"moderations.json", "", nil, 0, false},
	} {
		t.Run(row.file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", "answers", row.file))
			if err != nil {
				t.Fatal(err)
			}
			want := data
			if strings.HasPrefix(row.file, "chat-stream") {
				want = withoutExtra(data)
			}
			meter := provider(t).NewMeter(asked(t, row.file, row.model))
			if got := answered(t, row.file, data, meter); !bytes.Equal(got, want) {
				t.Errorf("forwarded %d bytes, want %d:\n%.300s", len(got), len(want), got)
			}
			usage, reported := meter.Usage()
			if reported != (row.usage != nil) || reported && usage != *row.usage {
				t.Errorf("usage %+v, %v; want %+v", usage, reported, row.usage)
			}
			if meter.Seen() != row.seen || meter.Final() != row.final {
				t.Errorf("seen %d, final %v; want %d, %v", meter.Seen(), meter.Final(), row.seen, row.final)
			}
		})
	}
}

// withoutExtra drops the chunks with usage and an empty list of choices.
func withoutExtra(stream []byte) (rest []byte) {
	for event := range bytes.SplitAfterSeq(stream, []byte("\n\n")) {
		if !bytes.Contains(event, []byte(`"choices":[],"usage":{`)) {
			rest = append(rest, event...)
			continue
		}
		if i := bytes.LastIndex(event, []byte("\r\r")); i >= 0 {
			rest = append(rest, event[:i+2]...)
		}
	}
	return rest
}

// However a stream is cut, what has been seen is not above what the whole of it
// came to by more than the last event, and a report that came is not lost.
func TestAnswersCutAnywhere(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.sse"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recorded streams, %v", len(files), err)
	}
	p := provider(t)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		call := asked(t, name, "gpt-4o")
		whole := p.NewMeter(call)
		answered(t, name, data, whole)
		usage, _ := whole.Usage()
		for cut := 0; cut < len(data); cut += 1 + len(data)/97 {
			part := p.NewMeter(call)
			end := bytes.LastIndex(data[:cut], []byte("\n\n")) + 2
			if end < 2 {
				continue
			}
			answered(t, name, data[:end], part)
			if part.Seen() > whole.Seen() {
				t.Errorf("%s cut at %d: seen %d, of %d in all", name, end, part.Seen(), whole.Seen())
			}
			if got, ok := part.Usage(); ok && part.Final() && got != usage {
				t.Errorf("%s cut at %d: %+v is said to be the last word, and it is %+v", name, end, got, usage)
			}
		}
	}
}

func TestCostIsExactAndRoundedUp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "0.0": 0, "1": 1_000_000_000, "0.000000001": 1, "0.0000000001": 1, "0.0000000019": 2, "1.2e-7": 120, "1E2": 100_000_000_000,
		"0.95": 950_000_000, "123456.789012345": 123_456_789_012_345, "0e5": 0, "1.10": 1_100_000_000, "1e-60": 1, "1.000000000000000000000001": 1_000_000_001,
	} {
		if got, ok := nano([]byte(text), nanoExponent); !ok || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "null", `"1"`, "-1", "-0.1", "1e99", "1e999999999999", "99999999999999999999", "true", "{}", strings.Repeat("1", 65), "0." + strings.Repeat("0", 70)} {
		if got, ok := nano([]byte(text), nanoExponent); ok {
			t.Errorf("%s: %d", text, got)
		}
	}
	if got, ok := nano([]byte("37756001"), tickExponent); !ok || got != 3_775_601 {
		t.Errorf("ticks: %d, %v", got, ok)
	}
}

func TestUsageOfOddKinds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]*plugins.Usage{
		`{"prompt_tokens":10,"completion_tokens":5,"cost":-1}`:                                              {InputTokens: 10, OutputTokens: 5},
		`{"prompt_tokens":10,"completion_tokens":5,"cost":"0.5"}`:                                           {InputTokens: 10, OutputTokens: 5},
		`{"prompt_tokens":10,"completion_tokens":5,"cost":0}`:                                               {InputTokens: 10, OutputTokens: 5, CostStated: true},
		`{"prompt_tokens":10,"completion_tokens":5,"cost":0,"is_byok":true}`:                                {InputTokens: 10, OutputTokens: 5},
		`{"prompt_tokens":10,"completion_tokens":5,"cost":1,"cost_details":null}`:                           {InputTokens: 10, OutputTokens: 5, Cost: 1e9, CostStated: true},
		`{"prompt_tokens":10,"completion_tokens":5,"cost":1,"cost_details":{"upstream_inference_cost":1}}`:  {InputTokens: 10, OutputTokens: 5, Cost: 1e9, CostStated: true},
		`{"prompt_tokens":10,"completion_tokens":5,"cost":1,"cost_details":{"upstream_inference_cost":20}}`: {InputTokens: 10, OutputTokens: 5, Cost: 21e9, CostStated: true},
		`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":null}`:                           {InputTokens: 10, OutputTokens: 5},
		`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":[]}`:                             {InputTokens: 10, OutputTokens: 5},
		`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-3}}`:           {InputTokens: 10, OutputTokens: 5},
		`{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807}`:                     {InputTokens: maxCount, OutputTokens: maxCount},
		`{"prompt_tokens":10,"total_tokens":25}`:                                                            {InputTokens: 10, OutputTokens: 15},
		`{"total_tokens":25}`:                                                                               nil,
		`{"type":"duration","seconds":"5"}`:                                                                 nil,
		`{"type":"duration","seconds":-5}`:                                                                  nil,
		`{"prompt_tokens":1.5}`:                                                                             nil,
		`[]`:                                                                                                nil,
		`null`:                                                                                              nil,
	} {
		got, ok := readUsage([]byte(text))
		if ok != (want != nil) || ok && got != *want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, ok, want)
		}
	}
}
