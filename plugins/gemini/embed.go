package gemini

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// embedMembers are the members of a request to embed one content.
func embedMembers() []string {
	return []string{"content", "model", "outputDimensionality", "taskType", "title"}
}

func describeEmbed(data []byte, call *plugins.Call) error {
	in := input{tokens: int64(len(data))}
	if err := in.readEmbed(data, "", call.Facts.Model); err != nil {
		return err
	}
	call.Facts.InputTokens, call.Facts.InputUnknown = in.tokens, in.unknown
	return nil
}

// describeBatch describes many contents. Each names its model, and all must name
// the one in the path.
func describeBatch(data []byte, call *plugins.Call) error {
	m, err := parseMessage(data, "", []string{"model", "requests"})
	if err != nil {
		return err
	}
	if err := checkModel(m, call.Facts.Model); err != nil {
		return err
	}
	in := input{tokens: int64(len(data))}
	if raw, given := m.value("requests"); given {
		var requests []jsontext.Value
		if err := json.Unmarshal(raw, &requests); err != nil {
			return plugins.Invalid("requests", "requests must be a list of objects")
		}
		for i, request := range requests {
			if err := in.readEmbed(request, fmt.Sprintf("requests.%d.", i), call.Facts.Model); err != nil {
				return err
			}
		}
	}
	call.Facts.InputTokens, call.Facts.InputUnknown = in.tokens, in.unknown
	return nil
}

func (in *input) readEmbed(data []byte, where, model string) error {
	m, err := parseMessage(data, where, embedMembers())
	if err != nil {
		return err
	}
	if err := checkModel(m, model); err != nil {
		return err
	}
	content, _ := m.value("content")
	return in.content(where+"content", content)
}

// describeCount describes a request that only asks how long its input is, either
// of contents or of a whole request to generate. Counting is free: none of the
// input is spent.
func describeCount(data []byte, call *plugins.Call) error {
	m, err := parseMessage(data, "", []string{"contents", "generateContentRequest", "model"})
	if err != nil {
		return err
	}
	if err := checkModel(m, call.Facts.Model); err != nil {
		return err
	}
	request, err := m.inner("generateContentRequest", generateMembers())
	if err != nil || request == nil {
		return err
	}
	return checkModel(request, call.Facts.Model)
}
