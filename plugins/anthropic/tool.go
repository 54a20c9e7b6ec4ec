package anthropic

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// What tools add to the input besides their own text, in tokens: a system prompt
// as soon as there is one (some 500 with most models), and a description of each
// that Anthropic defines (700 at most is documented).
const (
	toolsPrompt = 1024
	toolPrompt  = 1024
)

// clientTools are the kinds that Anthropic defines and the client runs: they add
// nothing the client does not send.
func clientTools() []string {
	return []string{"bash_", "browser_toolset_", "computer_", "memory_", "text_editor_"}
}

// tool is the part of a tool the dialect looks at.
type tool struct {
	Type  string         `json:"type"`
	Model jsontext.Value `json:"model"`
}

// readTools reports whether the request offers tools: listed ones, those of
// remote servers, and a container, in which code runs. What runs on Anthropic's
// side adds input nobody here sees, over and over: each use reads the whole
// conversation again.
func (in *input) readTools(body *plugins.Object) (bool, error) {
	tools, err := readTools(body)
	if err != nil {
		return false, err
	}
	for _, t := range tools {
		if err := in.addTool(t); err != nil {
			return false, err
		}
	}
	servers, _, err := body.Len("mcp_servers")
	if err != nil {
		return false, err
	}
	container, given := body.Value("container")
	remote := servers > 0 || (given && container.Kind() != 'n')
	in.unknown = in.unknown || remote
	if len(tools) == 0 && !remote {
		return false, nil
	}
	in.tokens += toolsPrompt
	return true, nil
}

func readTools(body *plugins.Object) ([]tool, error) {
	raw, given := body.Value("tools")
	if !given || raw.Kind() == 'n' {
		return nil, nil
	}
	var tools []tool
	if err := json.Unmarshal(raw, &tools); err != nil {
		return nil, plugins.Invalid("tools", "tools must be a list of objects, with a type that is a string")
	}
	return tools, nil
}

// addTool refuses a tool that asks another model: the policy and the price are
// those of the request's.
func (in *input) addTool(t tool) error {
	if t.Model != nil {
		return plugins.Invalid("tools", "a tool must not name a model of its own")
	}
	if t.Type == "" || t.Type == "custom" {
		return nil
	}
	in.tokens += toolPrompt
	for _, prefix := range clientTools() {
		if strings.HasPrefix(t.Type, prefix) {
			return nil
		}
	}
	in.unknown = true
	return nil
}
