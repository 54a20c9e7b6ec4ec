package openai

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// typed is an event that says what it is: those of responses, images and audio.
type typed struct {
	Type     string         `json:"type"`
	Delta    jsontext.Value `json:"delta"`
	Audio    jsontext.Value `json:"audio"`
	Item     jsontext.Value `json:"item"`
	Usage    jsontext.Value `json:"usage"`
	Response struct {
		Usage jsontext.Value `json:"usage"`
		Tools jsontext.Value `json:"tool_usage"`
	} `json:"response"`
}

// typed reads one event that is not a chunk of a chat.
func (m *meter) typed(data []byte) {
	var e typed
	if !lenient(data, &e) {
		m.output(m.deltas.words(string(data)))
		return
	}
	switch e.Type {
	case "response.completed", "response.incomplete", "response.failed":
		if m.report(e.Response.Usage) {
			m.usage = together(m.usage, toolUsage(e.Response.Tools))
			m.final = true
		}
	case "response.output_item.done":
		m.items += m.deltas.piece(e.Item)
	case "response.image_generation_call.partial_image", "image_generation.partial_image", "image_edit.partial_image":
		m.output(partialImage)
	case "image_generation.completed", "image_edit.completed":
		m.image(e.Usage)
	case "transcript.text.done", "speech.audio.done":
		m.final = m.report(e.Usage) || m.final
	case "speech.audio.delta":
		m.output((int64(len(e.Audio)) + m.base64Rate() - 1) / m.base64Rate())
	default:
		m.delta(e)
	}
}

// delta counts what an event of any other type carries.
func (m *meter) delta(e typed) {
	switch {
	case strings.HasSuffix(e.Type, "audio.delta") && e.Delta.Kind() == '"':
		m.output((int64(len(e.Delta)) + audioDelta - 1) / audioDelta)
	case strings.HasSuffix(e.Type, ".delta"):
		m.output(m.deltas.piece(e.Delta))
	}
}

// image takes in a finished image. Each reports what it alone has cost, but for
// those that say nothing.
func (m *meter) image(usage jsontext.Value) {
	read, ok := readUsage(usage)
	if !ok {
		m.output(max(m.note.bound, 1))
		return
	}
	m.usage, m.reported, m.quiet = together(m.usage, read), true, true
	m.images++
	m.final = m.images >= m.note.choices
}

// base64Rate is how many characters of base64 carry one token of the speech that
// was asked for.
func (m *meter) base64Rate() int64 { return max(m.note.rate*4/3, 1) }

// toolUsage is what tools of the provider's own have used besides the model:
// nothing, but for images.
func toolUsage(value jsontext.Value) plugins.Usage {
	var t struct {
		Images jsontext.Value `json:"image_gen"`
	}
	if len(value) == 0 || !lenient(value, &t) {
		return plugins.Usage{}
	}
	used, _ := readUsage(t.Images)
	used.CostStated, used.Cost = false, 0
	return used
}
