package gemini

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const (
	// imageTokens bounds one image. Google scales images to at most 3,072 pixels a
	// side and reads 258 tokens from each of at most 16 tiles; the newest models
	// read 2,240 at most.
	imageTokens = 5000

	// toolsPrompt bounds what tools add to the input besides their own text.
	toolsPrompt = 1024
)

// input is the bound of what a model will read: every byte of the request
// counted as a token, images by a bound of their own instead. Audio, video and
// PDFs have no bound but the model's context, since a few bytes can make many
// seconds or pages, and neither has what Google fetches or has stored.
type input struct {
	tokens  int64
	unknown bool
}

// readPrompt walks the contents and the system instruction.
func (in *input) readPrompt(m *message) error {
	if system, given := m.value("systemInstruction"); given {
		if err := in.content("systemInstruction", system); err != nil {
			return err
		}
	}
	raw, given := m.value("contents")
	if !given {
		return nil // the provider will say so
	}
	if raw.Kind() != '[' {
		return in.content("contents", raw)
	}
	var contents []jsontext.Value
	if err := json.Unmarshal(raw, &contents); err != nil {
		return plugins.Invalid("contents", "contents must be a list of objects")
	}
	for _, content := range contents {
		if err := in.content("contents", content); err != nil {
			return err
		}
	}
	return nil
}

// part is the part of a piece of content the dialect looks at, in both
// spellings.
type part struct {
	InlineData       *blob            `json:"inlineData"`
	InlineDataSnake  *blob            `json:"inline_data"`
	FileData         jsontext.Value   `json:"fileData"`
	FileDataSnake    jsontext.Value   `json:"file_data"`
	FunctionResponse functionResponse `json:"functionResponse"`
	ResponseSnake    functionResponse `json:"function_response"`
}

type functionResponse struct {
	Parts []part `json:"parts"`
}

type blob struct {
	MimeType      string         `json:"mimeType"`
	MimeTypeSnake string         `json:"mime_type"`
	Data          jsontext.Value `json:"data"`
}

// content takes in one content: parts, of which some are more than their text.
func (in *input) content(name string, value jsontext.Value) error {
	if len(value) == 0 || value.Kind() == '"' {
		return nil // the provider will refuse it, or read the text
	}
	var content struct {
		Parts jsontext.Value `json:"parts"`
	}
	var parts []part
	err := json.Unmarshal(value, &content)
	if err == nil && len(content.Parts) > 0 {
		err = json.Unmarshal(list(content.Parts), &parts)
	}
	if err != nil {
		return plugins.Invalid(name, name+" must be an object with a list of parts")
	}
	in.parts(parts)
	return nil
}

// list makes a list of a value that is none, as lenient readers do.
func list(value jsontext.Value) jsontext.Value {
	if value.Kind() == '[' || value.Kind() == 'n' {
		return value
	}
	return append(append(jsontext.Value("["), value...), ']')
}

func (in *input) parts(parts []part) {
	for _, p := range parts {
		if p.FileData != nil || p.FileDataSnake != nil {
			in.unknown = true
		}
		in.blob(p.InlineData)
		in.blob(p.InlineDataSnake)
		in.parts(p.FunctionResponse.Parts)
		in.parts(p.ResponseSnake.Parts)
	}
}

// blob replaces the bytes of an image by its bound. Text stays what it is: in
// base64 it is longer than by itself.
func (in *input) blob(b *blob) {
	if b == nil {
		return
	}
	kind := strings.ToLower(b.MimeType + b.MimeTypeSnake) // of two spellings neither is known
	switch kind {
	case "image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", "image/gif":
		in.tokens += imageTokens - int64(len(b.Data))
	case "text/plain", "text/html", "text/css", "text/csv", "text/markdown", "text/xml", "application/json":
	default:
		in.unknown = true
	}
}

// readTools reports whether the request offers tools. Cached content counts as
// such, because it may hold some. What runs on Google's side adds input nobody
// here sees; functions are the client's own.
func (in *input) readTools(m *message) (bool, error) {
	_, cached := m.value("cachedContent")
	_, continued := m.value("continuationToken")
	in.unknown = in.unknown || cached || continued
	raw, given := m.value("tools")
	if !given {
		return cached, nil
	}
	var tools []map[string]jsontext.Value
	if err := json.Unmarshal(list(raw), &tools); err != nil {
		return false, plugins.Invalid("tools", "tools must be a list of objects")
	}
	for _, tool := range tools {
		for kind := range tool {
			in.unknown = in.unknown || kind != "functionDeclarations" && kind != "function_declarations" && kind != "computerUse" && kind != "computer_use"
		}
	}
	if len(tools) > 0 {
		in.tokens += toolsPrompt
	}
	return cached || len(tools) > 0, nil
}
