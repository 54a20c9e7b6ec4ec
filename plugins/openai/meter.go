package openai

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const maxUsageBytes = 16 << 10

// meter reads the usage of one answer.
type meter struct {
	dropUsage bool
	tap       *plugins.MemberTap
	usage     plugins.Usage
	reported  bool
	seen      int64 // output tokens, as far as the text that went by tells
}

// NewMeter implements [plugins.Provider].
func (p *Provider) NewMeter(call *plugins.Call) plugins.Meter {
	state, _ := call.State.(chatState)
	return &meter{dropUsage: state.dropUsage, tap: plugins.NewMemberTap("usage", maxUsageBytes)}
}

// chunk is the part of a streamed chunk the meter looks at.
type chunk struct {
	Choices *[]jsontext.Value `json:"choices"`
	Usage   jsontext.Value    `json:"usage"`
}

// Event implements [plugins.Meter]. Only a chunk with usage and an empty list of
// choices is the extra one; usage that comes with choices was the provider's own
// idea and is forwarded. What cannot be read is forwarded too.
func (m *meter) Event(raw []byte) []byte {
	if data := plugins.EventData(raw); len(data) > 0 && !bytes.Equal(data, []byte("[DONE]")) {
		m.seen += int64(len(data)) // more bytes than the text in them has, and so more than its tokens
	}
	if !bytes.Contains(raw, []byte(`"usage"`)) {
		return raw
	}
	var c chunk
	if !lenient(plugins.EventData(raw), &c) || !m.read(c.Usage) {
		return raw
	}
	if m.dropUsage && c.Choices != nil && len(*c.Choices) == 0 {
		return nil
	}
	return raw
}

// Body implements [plugins.Meter].
func (m *meter) Body(chunk []byte) {
	m.tap.Watch(chunk)
	m.seen += int64(len(chunk))
}

// Usage implements [plugins.Meter].
func (m *meter) Usage() (plugins.Usage, bool) {
	if value := m.tap.Value(); value != nil {
		m.read(value)
	}
	return m.usage, m.reported
}

// Seen implements [plugins.Meter]: never less than the tokens of the text, since
// no token is shorter than a byte.
func (m *meter) Seen() int64 {
	usage, _ := m.Usage()
	return max(m.seen, usage.OutputTokens)
}

// Final implements [plugins.Meter]: OpenAI reports once, at the end.
func (m *meter) Final() bool {
	_, reported := m.Usage()
	return reported
}

// usage is OpenAI's: cached tokens are inside the prompt's, reasoning inside the
// completion's.
type usage struct {
	PromptTokens        *int64 `json:"prompt_tokens"`
	CompletionTokens    *int64 `json:"completion_tokens"`
	PromptTokensDetails struct {
		CachedTokens int64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// read takes in one usage object and reports whether it was one. Some servers
// report on every chunk, always the total so far: the largest counts.
func (m *meter) read(value jsontext.Value) bool {
	var u usage
	if !lenient(value, &u) || (u.PromptTokens == nil && u.CompletionTokens == nil) {
		return false
	}
	if u.PromptTokens != nil {
		m.usage.InputTokens = max(m.usage.InputTokens, *u.PromptTokens)
	}
	if u.CompletionTokens != nil {
		m.usage.OutputTokens = max(m.usage.OutputTokens, *u.CompletionTokens)
	}
	cached := min(u.PromptTokensDetails.CachedTokens, m.usage.InputTokens)
	m.usage.CachedTokens = max(m.usage.CachedTokens, cached)
	m.reported = true
	return true
}

// lenient decodes what a provider sent. Being strict here would only lose usage.
func lenient(data []byte, into any) bool {
	err := json.Unmarshal(data, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return err == nil
}
