package anthropic

import (
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

func meterOf(t testing.TB, body string) plugins.Meter {
	t.Helper()
	p := provider(t)
	call, err := p.Describe(messagesRequest(body))
	if err != nil {
		t.Fatal(err)
	}
	return p.NewMeter(call)
}

const streamed = "{" + inside + `,"stream":true}`

// feed passes a transcript on, event by event.
func feed(m plugins.Meter, transcript string) {
	for _, event := range strings.SplitAfter(transcript, "\n\n") {
		m.Event([]byte(event))
	}
}

// A stream that breaks off says as much as had come.
func TestTruncatedStreams(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, until string
		usage       plugins.Usage
		reported    bool
		final       bool
		least, most int64 // seen
	}{
		{"stream.txt", "", plugins.Usage{}, false, false, 0, 0},
		{"stream.txt", "content_block_start", plugins.Usage{InputTokens: 25, OutputTokens: 1}, true, false, 1, 1},
		{"stream.txt", "content_block_stop", plugins.Usage{InputTokens: 25, OutputTokens: 1}, true, false, 12, 24},
		{"stream.txt", "message_delta", plugins.Usage{InputTokens: 25, OutputTokens: 1}, true, false, 12, 24},
		{"stream.txt", "message_stop", plugins.Usage{InputTokens: 25, OutputTokens: 15}, true, true, 15, 24},
		{"thinking.txt", "signature_delta", plugins.Usage{InputTokens: 1920, CachedTokens: 500, CacheWriteTokens: 1360, OutputTokens: 4}, true, false, 25, 60},
		{"thinking.txt", "tool_use", plugins.Usage{InputTokens: 1920, CachedTokens: 500, CacheWriteTokens: 1360, OutputTokens: 4}, true, false, 26, 64},
		{"websearch.txt", "message_delta", plugins.Usage{InputTokens: 2679, OutputTokens: 3}, true, false, 30, 80},
		{"websearch.txt", "message_stop", plugins.Usage{InputTokens: 10682, OutputTokens: 510}, true, true, 510, 510},
		{"overloaded.txt", "event: nothing", plugins.Usage{InputTokens: 25, OutputTokens: 1}, true, false, 4, 8},
	} {
		text := transcript(t, row.name)
		if i := strings.Index(text, "event: "+row.until); i >= 0 {
			text = text[:i]
		} else if i := strings.Index(text, row.until); i >= 0 {
			text = text[:strings.LastIndex(text[:i], "event: ")]
		}
		m := meterOf(t, streamed)
		feed(m, text)
		usage, reported := m.Usage()
		if usage != row.usage || reported != row.reported || m.Final() != row.final {
			t.Errorf("%s until %q: %+v, %v, final %v; want %+v", row.name, row.until, usage, reported, m.Final(), row)
		}
		if seen := m.Seen(); seen < row.least || seen > row.most {
			t.Errorf("%s until %q: %d tokens seen, want %d to %d", row.name, row.until, seen, row.least, row.most)
		}
	}
}

func TestOddEvents(t *testing.T) {
	t.Parallel()
	start := func(usage string) string {
		return "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":" + usage + "}}\n\n"
	}
	delta := func(reason, usage string) string {
		return "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":" + reason + "},\"usage\":" + usage + "}\n\n"
	}
	for _, row := range []struct {
		name, events string
		want         plugins.Usage
		final        bool
	}{
		{"totals that fall stay", start(`{"input_tokens":9,"output_tokens":5}`) + delta(`null`, `{"input_tokens":3,"output_tokens":8}`) + delta(`"end_turn"`, `{"output_tokens":7}`),
			plugins.Usage{InputTokens: 9, OutputTokens: 8}, true},
		{"each of the counts grows by itself", start(`{"input_tokens":9,"cache_read_input_tokens":100,"output_tokens":1}`) + delta(`"end_turn"`, `{"input_tokens":50,"output_tokens":2}`),
			plugins.Usage{InputTokens: 150, CachedTokens: 100, OutputTokens: 2}, true},
		{"no end without a reason", start(`{"input_tokens":9,"output_tokens":1}`) + delta(`null`, `{"output_tokens":2}`), plugins.Usage{InputTokens: 9, OutputTokens: 2}, false},
		{"no end without a count", start(`{"input_tokens":9,"output_tokens":1}`) + delta(`"end_turn"`, `{}`), plugins.Usage{InputTokens: 9, OutputTokens: 1}, false},
		{"counts below zero", start(`{"input_tokens":-9,"cache_read_input_tokens":-1,"output_tokens":-1}`) + delta(`"end_turn"`, `{"output_tokens":-2}`), plugins.Usage{}, false},
		{"counts beyond belief", start(`{"input_tokens":9223372036854775807,"cache_read_input_tokens":9223372036854775807,"cache_creation_input_tokens":9223372036854775807,"output_tokens":1}`),
			plugins.Usage{InputTokens: 3 * maxCount, CachedTokens: maxCount, CacheWriteTokens: maxCount, OutputTokens: 1}, false},
		{"compaction is beside the counts", start(`{"input_tokens":10,"output_tokens":1}`) +
			delta(`"end_turn"`, `{"input_tokens":10,"output_tokens":5,"iterations":[{"type":"message","input_tokens":10,"output_tokens":5},{"type":"compaction","input_tokens":1000,"cache_read_input_tokens":10,"output_tokens":300}]}`),
			plugins.Usage{InputTokens: 1020, CachedTokens: 10, OutputTokens: 305}, true},
		{"by what is in it, not by its name", "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":4}}}\n\n", plugins.Usage{InputTokens: 4}, false},
		{"nothing in the place of usage", start(`null`) + start(`{}`) + start(`[]`) + start(`7`) + delta(`"end_turn"`, `"x"`), plugins.Usage{}, false},
	} {
		m := meterOf(t, streamed)
		feed(m, row.events)
		usage, _ := m.Usage()
		if usage != row.want || m.Final() != row.final {
			t.Errorf("%s: %+v, final %v; want %+v, %v", row.name, usage, m.Final(), row.want, row.final)
		}
	}
}

// What is written for an hour costs 1.6 times what is written for five minutes.
func TestCacheWrites(t *testing.T) {
	t.Parallel()
	hour := "{" + inside + `,"stream":true,"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]}`
	for _, row := range []struct {
		name, body, usage string
		want              plugins.Usage
	}{
		{"five minutes", streamed, `{"input_tokens":10,"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":0}}`, plugins.Usage{InputTokens: 110, CacheWriteTokens: 100}},
		{"an hour", hour, `{"input_tokens":10,"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":100}}`, plugins.Usage{InputTokens: 170, CacheWriteTokens: 160}},
		{"both, rounded up", hour, `{"input_tokens":10,"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":99,"ephemeral_1h_input_tokens":1}}`, plugins.Usage{InputTokens: 111, CacheWriteTokens: 101}},
		{"an hour that was asked for, and not told apart", hour, `{"input_tokens":10,"cache_creation_input_tokens":100}`, plugins.Usage{InputTokens: 170, CacheWriteTokens: 160}},
		{"not asked for, and not told apart", streamed, `{"input_tokens":10,"cache_creation_input_tokens":100}`, plugins.Usage{InputTokens: 110, CacheWriteTokens: 100}},
		{"parts that are more than the whole", streamed, `{"input_tokens":10,"cache_creation_input_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":100}}`, plugins.Usage{InputTokens: 110, CacheWriteTokens: 100}},
	} {
		m := meterOf(t, row.body)
		feed(m, "data: {\"type\":\"message_start\",\"message\":{\"usage\":"+row.usage+"}}\n\n")
		if usage, _ := m.Usage(); usage != row.want {
			t.Errorf("%s: %+v, want %+v", row.name, usage, row.want)
		}
	}
}

func TestLongAnswer(t *testing.T) {
	t.Parallel()
	m := meterOf(t, "{"+inside+"}")
	m.Body([]byte(`{"content":[{"type":"text","text":"`))
	for range 500 {
		m.Body([]byte(strings.Repeat("lots of words ", 1000)))
	}
	if m.Final() || m.Seen() < 1_000_000 {
		t.Errorf("final %v, %d seen", m.Final(), m.Seen())
	}
	m.Body([]byte(`"}],"usage":{"input_tokens":3,"output_tokens":4}}`))
	if usage, ok := m.Usage(); !ok || usage.OutputTokens != 4 || !m.Final() {
		t.Errorf("got %+v, %v", usage, ok)
	}
}

// However a stream goes on, its numbers stay in range and what was seen is never
// unseen.
func FuzzMeter(f *testing.F) {
	for _, name := range []string{"stream.txt", "thinking.txt", "websearch.txt", "overloaded.txt", "whole.json"} {
		f.Add(transcript(f, name))
	}
	p := provider(f)
	call, err := p.Describe(messagesRequest(streamed))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		events, body := p.NewMeter(call), p.NewMeter(call)
		var seen int64
		for _, event := range strings.SplitAfter(text, "\n\n") {
			if string(events.Event([]byte(event))) != event {
				t.Fatalf("%q was changed", event)
			}
			body.Body([]byte(event))
			for _, m := range []plugins.Meter{events, body} {
				usage, reported := m.Usage()
				if min(usage.InputTokens, usage.CachedTokens, usage.CacheWriteTokens, usage.OutputTokens) < 0 || m.Final() && !reported {
					t.Fatalf("%+v, %v, %v", usage, reported, m.Final())
				}
				if usage.CachedTokens+usage.CacheWriteTokens > usage.InputTokens || m.Seen() < usage.OutputTokens {
					t.Fatalf("%+v with %d seen", usage, m.Seen())
				}
			}
			if events.Seen() < seen {
				t.Fatalf("%d seen after %d", events.Seen(), seen)
			}
			seen = events.Seen()
		}
	})
}

// What is written to the one-hour cache is held at its price from the start.
func TestTheHourIsHeld(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]bool{
		`"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]`:                                true,
		`"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","\u0074tl":"\u0031h"}}]`:                      true,
		`"cache_control":{"type":"ephemeral","ttl":"1h"}`:                                                                      true,
		`"tools":[{"name":"f","input_schema":{},"cache_control":{"ttl": "1h"}}]`:                                               true,
		`"cache_control":{"ttl":3600}`:                                                                                         true,
		`"system":"put \"1h\" there, and \"ttl\":\"1h\""`:                                                                      false,
		`"system":[{"type":"text","text":"1h","cache_control":{"type":"ephemeral","ttl":"5m"}}]`:                               false,
		`"system":[{"type":"text","text":"ttl","cache_control":{"type":"ephemeral","ttl":null}}],"metadata":{"user_id":"ttl"}`: false,
	} {
		body := "{" + inside + `,` + part + `}`
		call, err := provider(t).Describe(messagesRequest(body))
		if err != nil {
			t.Errorf("%s: %v", part, err)
			continue
		}
		least := int64(len(body))
		if want {
			least += 3 * least / 5
		}
		if got := call.Facts.InputTokens; got < least || !want && got > least+2*toolsPrompt {
			t.Errorf("%s: at most %d tokens, and there may be %d", part, got, least)
		}
		if s, _ := call.State.(state); s.hour != want {
			t.Errorf("%s: %v", part, s.hour)
		}
	}
}

func TestReportsOfZeros(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		usage, asked string
		final        bool
	}{
		{`{"input_tokens":9,"output_tokens":2}`, `9`, true},
		{`{"input_tokens":0,"cache_read_input_tokens":9,"output_tokens":2}`, `9`, true},
		{`{"input_tokens":0,"output_tokens":2}`, `9`, false},
		{`{"input_tokens":9,"output_tokens":0}`, `9`, false},
		{`{"input_tokens":9,"output_tokens":0}`, `0`, true},
	} {
		m := meterOf(t, `{"model":"a","max_tokens":`+row.asked+`,"messages":[]}`)
		m.Body([]byte(`{"content":[{"type":"text","text":"some words"}],"usage":` + row.usage + `}`))
		if m.Final() != row.final {
			t.Errorf("%s of %s: final is %v", row.usage, row.asked, m.Final())
		}
	}
	m := meterOf(t, streamed)
	feed(m, "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":0}}}\n\n"+
		"data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"some words\"}}\n\n"+
		"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":0}}\n\n")
	if m.Final() || m.Seen() < 2 {
		t.Errorf("final is %v, %d seen", m.Final(), m.Seen())
	}
}
