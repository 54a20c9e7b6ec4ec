package gemini

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

func meterOf(choices int64) *meter {
	return &meter{state: state{output: true, choices: choices}}
}

// reading is an answer as a JSON library reads it.
type reading []struct {
	Candidates []struct {
		Index        int32          `json:"index"`
		FinishReason jsontext.Value `json:"finishReason"`
		Content      struct {
			Parts []map[string]jsontext.Value `json:"parts"`
		} `json:"content"`
	} `json:"candidates"`
	PromptFeedback struct {
		BlockReason jsontext.Value `json:"blockReason"`
	} `json:"promptFeedback"`
	UsageMetadata jsontext.Value `json:"usageMetadata"`
}

// says reports whether a value is a text with something in it.
func says(value jsontext.Value) bool { return value.Kind() == '"' && string(value) != `""` }

// read is what the meter must find; false for what is no answer.
func read(text string) (usage plugins.Usage, reported, final, ok bool) {
	answer := make(reading, 1)
	err := json.Unmarshal([]byte(text), &answer[0])
	if err != nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	if err != nil {
		return usage, false, false, false
	}
	finished, blocked := false, false
	for _, r := range answer {
		for _, c := range r.Candidates {
			if len(c.Content.Parts) > 0 {
				final = false
			}
			finished = finished || says(c.FinishReason) && string(c.FinishReason) != `"FINISH_REASON_UNSPECIFIED"` && c.Index >= 0 && c.Index < maxChoices
		}
		blocked = blocked || says(r.PromptFeedback.BlockReason)
		if u, given := readUsage(r.UsageMetadata); given && r.UsageMetadata.Kind() == '{' {
			usage, reported, final = largest(usage, u), true, finished || blocked
		}
	}
	return usage, reported, final, true
}

// FuzzScan holds the scanner, however its input is cut, against a JSON library.
func FuzzScan(f *testing.F) {
	for _, name := range []string{"array.json", "array-cut.json", "whole.json", "image.json"} {
		f.Add(transcript(f, name), uint64(1))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		whole, pieces := meterOf(1), meterOf(1)
		whole.Body([]byte(text))
		random := rand.New(rand.NewPCG(seed, 1))
		var seen int64
		for rest := text; rest != ""; {
			n := min(len(rest), 1+random.IntN(20))
			pieces.Body([]byte(rest[:n]))
			rest = rest[n:]
			if now := pieces.Seen(); now < seen || now < pieces.usage.OutputTokens {
				t.Fatalf("%q: %d tokens seen after %d", text, now, seen)
			}
			seen = pieces.Seen()
		}
		if whole.usage != pieces.usage || whole.reported != pieces.reported || whole.final != pieces.final || whole.finished != pieces.finished {
			t.Fatalf("%q: %+v at once, %+v in pieces", text, whole, pieces)
		}
		if strings.Contains(text, `\`) || len(text) > maxUsageBytes {
			return // names are not unescaped, and long reports not kept
		}
		usage, reported, final, ok := read(text)
		if ok && (usage != whole.usage || reported != whole.reported || final != whole.final) {
			t.Fatalf("%q: %+v, reported %v, final %v; want %+v, %v, %v", text, whole.usage, whole.reported, whole.final, usage, reported, final)
		}
	})
}

// An answer of any size is read in memory that does not grow.
func TestScannerForgets(t *testing.T) {
	t.Parallel()
	m := meterOf(1)
	m.Body([]byte(`[{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"`))
	for range 1000 {
		m.Body([]byte(strings.Repeat("iVBORw0KGgo", 1000)))
	}
	m.Body([]byte(`"}}]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1290,"promptTokensDetails":[`))
	for range 1000 {
		m.Body([]byte(`{"modality":"TEXT","tokenCount":3},`))
	}
	m.Body([]byte(strings.Repeat("[", 100_000)))
	if held := cap(m.scan.name) + cap(m.scan.leaf) + cap(m.scan.usage) + 32*cap(m.scan.open); held > 64<<10 {
		t.Errorf("the scanner holds %d bytes", held)
	}
	if m.Seen() > 10 || m.reported {
		t.Errorf("%d tokens seen, reported %v", m.Seen(), m.reported)
	}
}

// Between reports what a model writes is estimated, and a report puts an end to
// the estimate.
func TestSeenGrowsAndIsCorrected(t *testing.T) {
	t.Parallel()
	m := meterOf(1)
	say := func(text string) { m.Body([]byte(text)) }
	say(`[{"candidates":[{"content":{"parts":[{"text":"` + strings.Repeat("lots of words ", 10))
	if seen := m.Seen(); seen < 30 || seen > 60 {
		t.Errorf("in the middle of a text: %d", seen)
	}
	before := m.Seen()
	say(`"}]}}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":30}},`)
	if m.Seen() != before || m.Final() {
		t.Errorf("after a report: %d, before it %d", m.Seen(), before)
	}
	for range 10 {
		say(`{"candidates":[{"content":{"parts":[{"text":"a few more words"}]}}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":130}},`)
	}
	if seen := m.Seen(); seen < 130+9*4 || seen > 130+10*8 {
		t.Errorf("without new reports: %d", seen)
	}
}

// Actions without output have none, whatever comes back.
func TestNothingIsSeenOfAnEmbedding(t *testing.T) {
	t.Parallel()
	m := &meter{}
	m.Body([]byte(`{"embedding":{"values":[0.1]},"candidates":[{"content":{"parts":[{"text":"x"}]}}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7}}`))
	if usage, ok := m.Usage(); !ok || usage != (plugins.Usage{InputTokens: 5}) || m.Seen() != 0 || !m.Final() {
		t.Errorf("%+v, %v, %d seen", usage, ok, m.Seen())
	}
}
