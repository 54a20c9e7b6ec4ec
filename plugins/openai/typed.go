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
	Response jsontext.Value `json:"response"`
}

// typed reads one event that is not a chunk of a chat; false when it cannot.
func (m *meter) typed(data []byte) bool {
	var e typed
	if !lenient(data, &e) {
		return false
	}
	switch e.Type {
	case "response.completed", "response.incomplete", "response.failed":
		m.ended(e.Response)
	case "response.output_item.done":
		m.items.add(e.Item)
	case "response.image_generation_call.partial_image", "image_generation.partial_image", "image_edit.partial_image":
		m.deltas.other += partialImage
	case "image_generation.completed", "image_edit.completed":
		m.image(e.Usage)
	case "transcript.text.done", "speech.audio.done":
		m.final = m.report(e.Usage) || m.final
	case "speech.audio.delta":
		m.deltas.speech(e.Audio, max(m.note.rate*4/3, 1))
	default:
		m.delta(e)
	}
	return true
}

// delta counts what an event of any other type carries.
func (m *meter) delta(e typed) {
	switch {
	case strings.HasSuffix(e.Type, "audio.delta") && e.Delta.Kind() == '"':
		m.deltas.speech(e.Delta, audioDelta)
	case strings.HasSuffix(e.Type, ".delta"):
		m.deltas.add(e.Delta)
	}
}

// ended takes in the last event of a response.
func (m *meter) ended(response jsontext.Value) {
	var r struct {
		Usage jsontext.Value `json:"usage"`
		Tools jsontext.Value `json:"tool_usage"`
	}
	if lenient(response, &r) && m.report(r.Usage) {
		m.usage = together(m.usage, toolUsage(r.Tools))
		m.final = true
	}
}

// image takes in a finished image. Each reports what it alone has cost, but for
// those that say nothing.
func (m *meter) image(usage jsontext.Value) {
	read, ok := readUsage(usage)
	if !ok {
		m.deltas.other += max(m.note.bound, 1)
		return
	}
	m.usage = together(m.usage, read)
	m.reported, m.told, m.quiet = true, true, true
	m.images++
	m.final = m.images >= m.note.choices
}

// toolUsage is what tools of the provider's own have used besides the model:
// nothing, but for images.
func toolUsage(value jsontext.Value) plugins.Usage {
	if len(value) == 0 || !legible(value) {
		return plugins.Usage{}
	}
	images, _ := member(value, "image_gen")
	used, _ := readUsage(images)
	used.CostStated, used.Cost = false, 0
	return used
}
