package anthropic

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const (
	// imageTokens bounds one image. Anthropic scales images down until they cost
	// at most 1,600 tokens, with the newest models 4,784.
	imageTokens = 5000

	// formatPrompt bounds what a schema for the output adds besides its own text.
	formatPrompt = 1024

	maxBlockDepth = 8 // documents within tool results within messages, and some more
)

// input is the bound of what a model will read: every byte of the request
// counted as a token, images by a bound of their own instead. PDFs have no bound
// but the model's context, since a few bytes can make many pages, and neither
// has what Anthropic fetches or has stored.
type input struct {
	tokens  int64
	unknown bool
}

// readPrompt walks the messages and the system prompt.
func (in *input) readPrompt(body *plugins.Object) error {
	for _, name := range []string{"output_config", "output_format"} {
		if value, given := body.Value(name); given && value.Kind() != 'n' {
			in.tokens += formatPrompt
		}
	}
	if system, given := body.Value("system"); given {
		if err := in.content(system, 0); err != nil {
			return plugins.Invalid("system", err.Error())
		}
	}
	raw, given := body.Value("messages")
	if !given {
		return nil // the provider will say so
	}
	var messages []struct {
		Content jsontext.Value `json:"content"`
	}
	if err := json.Unmarshal(raw, &messages); err != nil {
		return plugins.Invalid("messages", "messages must be a list of objects")
	}
	for _, message := range messages {
		if err := in.content(message.Content, 0); err != nil {
			return plugins.Invalid("messages", err.Error())
		}
	}
	return nil
}

// block is the part of a content block the dialect looks at.
type block struct {
	Type    string         `json:"type"`
	Content jsontext.Value `json:"content"`
	Source  source         `json:"source"`
}

// source is where an image or a document is. That of a search result is a mere
// name.
type source struct {
	Type      string         `json:"type"`
	MediaType string         `json:"media_type"`
	Data      jsontext.Value `json:"data"`
	Content   jsontext.Value `json:"content"`
}

// UnmarshalJSON leaves a source that is no object empty.
func (s *source) UnmarshalJSON(data []byte) error {
	if jsontext.Value(data).Kind() != '{' {
		return nil
	}
	type plain source
	return json.Unmarshal(data, (*plain)(s))
}

// contentError says what is wrong with a piece of content.
type contentError string

func (e contentError) Error() string { return string(e) }

// content takes in what a message or a part of one holds: a text or blocks.
func (in *input) content(value jsontext.Value, depth int) error {
	if value.Kind() != '[' {
		return nil // a text, or what the provider will refuse: bytes
	}
	if depth == maxBlockDepth {
		return contentError("content blocks are nested too deep")
	}
	var blocks []block
	if err := json.Unmarshal(value, &blocks); err != nil {
		return contentError("content must be a text or a list of blocks, each with a type")
	}
	for _, b := range blocks {
		if err := in.block(b, depth); err != nil {
			return err
		}
	}
	return nil
}

func (in *input) block(b block, depth int) error {
	switch b.Type {
	case "text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "search_result", "compaction",
		"web_search_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result",
		"text_editor_code_execution_tool_result", "tool_search_tool_result", "mcp_tool_use", "mcp_tool_result":
		return nil // all of it is text
	case "image":
		in.image(b.Source)
		return nil
	case "document":
		return in.document(b.Source, depth)
	case "tool_result":
		return in.content(b.Content, depth+1)
	case "tool_addition":
		return contentError("tools belong in the member tools, not in a message")
	}
	in.unknown = true // a file, a fetched page, or something new
	return nil
}

// image replaces the bytes of the image by its bound, when they are surely read
// as an image.
func (in *input) image(s source) {
	in.tokens += imageTokens
	switch s.Type {
	case "base64":
		if strings.HasPrefix(s.MediaType, "image/") {
			in.tokens -= int64(len(s.Data))
		}
	case "url", "file":
	default:
		in.unknown = true
	}
}

func (in *input) document(s source, depth int) error {
	switch s.Type {
	case "text":
		return nil
	case "content":
		return in.content(s.Content, depth+1)
	}
	in.unknown = true
	return nil
}
