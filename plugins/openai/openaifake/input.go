package openaifake

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// embeddings is POST /v1/embeddings: two numbers for each input.
func (c *call) embeddings() {
	var req struct {
		Model    string          `json:"model"`
		Input    json.RawMessage `json:"input"`
		Encoding string          `json:"encoding_format"`
	}
	if !c.decode(&req) || !c.known(req.Model) {
		return
	}
	inputs, tokens := readInput(req.Input)
	if inputs == 0 {
		c.missing("input")
		return
	}
	var data []any
	for i := range inputs {
		var vector any = []float64{0.5, -0.25}
		if req.Encoding == "base64" {
			var raw []byte
			for _, x := range []float32{0.5, -0.25} {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
			}
			vector = base64.StdEncoding.EncodeToString(raw)
		}
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": vector})
	}
	answer := map[string]any{"object": "list", "data": data, "model": req.Model}
	if !c.fault.NoUsage {
		a := c.f.accounting(tokens, 0)
		answer["usage"] = map[string]any{"prompt_tokens": a.Input, "total_tokens": a.Input}
	}
	c.whole(answer)
}

// readInput counts inputs and their tokens: a text, texts, tokens or lists of
// tokens.
func readInput(raw json.RawMessage) (inputs, tokens int) {
	var text string
	var texts []string
	var list []int
	var lists [][]int
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return 1, len(strings.Fields(text))
	case json.Unmarshal(raw, &texts) == nil:
		for _, t := range texts {
			tokens += len(strings.Fields(t))
		}
		return len(texts), tokens
	case json.Unmarshal(raw, &list) == nil:
		return 1, len(list)
	case json.Unmarshal(raw, &lists) == nil:
		for _, l := range lists {
			tokens += len(l)
		}
		return len(lists), tokens
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) == nil {
		return len(parts), len(parts)
	}
	return 0, 0
}

// moderations is POST /v1/moderations: nothing is ever flagged.
func (c *call) moderations() {
	var req struct {
		Model string          `json:"model"`
		Input json.RawMessage `json:"input"`
	}
	if !c.decode(&req) {
		return
	}
	if req.Model == "" {
		req.Model = "omni-moderation-latest"
	}
	inputs, _ := readInput(req.Input)
	var results []any
	for range inputs {
		results = append(results, map[string]any{"flagged": false, "categories": map[string]any{"violence": false}, "category_scores": map[string]any{"violence": 0.0001}})
	}
	c.whole(map[string]any{"id": fmt.Sprintf("modr-fake%06d", c.number), "model": req.Model, "results": results})
}
