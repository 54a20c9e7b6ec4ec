package tokenizer

import "strings"

// families say which vocabulary a model has, by how its name begins; the longest
// beginning that matches counts. It must be the whole name or end before one of
// "-", "." and ":", so that gpt-40 is not gpt-4.
func families() []family {
	return []family{
		{"gpt-4o", o200k}, {"chatgpt-4o", o200k}, {"gpt-4.1", o200k}, {"gpt-4.5", o200k}, {"gpt-5", o200k},
		{"o1", o200k}, {"o3", o200k}, {"o4", o200k}, {"gpt-oss", o200k}, {"codex-mini", o200k},
		{"gpt-4", cl100k}, {"gpt-3.5", cl100k}, {"gpt-35", cl100k},
		{"text-embedding-ada-002", cl100k}, {"text-embedding-3", cl100k},
	}
}

type family struct {
	begins string
	enc    encoding
}

// maxModelName bounds the names that are looked at, in bytes.
const maxModelName = 256

func encodingOf(model string) (encoding, bool) {
	if len(model) > maxModelName {
		return nil, false
	}
	name := strings.TrimPrefix(model, "openai/")
	name = strings.TrimPrefix(name, "ft:") // ft:gpt-4o-mini-2024-07-18:org::id
	var best family
	for _, f := range families() {
		if rest, ok := strings.CutPrefix(name, f.begins); ok && len(f.begins) > len(best.begins) && ends(rest) {
			best = f
		}
	}
	return best.enc, best.enc != nil
}

func ends(rest string) bool { return rest == "" || strings.ContainsRune("-.:", rune(rest[0])) }
