package anthropic

import (
	"strings"
	"testing"
)

func TestInputBounds(t *testing.T) {
	t.Parallel()
	p := provider(t)
	long := strings.Repeat("A", 40_000)
	for _, row := range []struct {
		name, content string
		less, more    int64 // than the body's bytes
		unknown       bool
	}{
		{name: "text", content: `"hello"`},
		{name: "a text block", content: `[{"type":"text","text":"hello"}]`},
		{name: "an image", content: `[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + long + `"}}]`, less: 40_002, more: imageTokens},
		{name: "two images", content: `[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + long + `"}},{"type":"image","source":{"type":"url","url":"https://example.com/x.png"}}]`, less: 40_002, more: 2 * imageTokens},
		{name: "a stored image", content: `[{"type":"image","source":{"type":"file","file_id":"f"}}]`, more: imageTokens},
		{name: "an image of unknown source", content: `[{"type":"image","source":{"type":"hologram"}}]`, more: imageTokens, unknown: true},
		{name: "text that claims to be an image", content: `[{"type":"image","source":{"type":"base64","media_type":"text/plain","data":"` + long + `"}}]`, more: imageTokens},
		{name: "an image source in a text block", content: `[{"type":"text","text":"x","source":{"type":"base64","media_type":"image/png","data":"` + long + `"}}]`},
		{name: "an image as the input of a tool", content: `[{"type":"tool_use","input":{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + long + `"}}}]`},
		{name: "a tool's result with an image", content: `[{"type":"tool_result","content":[{"type":"image","source":{"type":"base64","media_type":"image/webp","data":"` + long + `"}}]}]`, less: 40_002, more: imageTokens},
		{name: "a plain document", content: `[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"` + long + `"}}]`},
		{name: "a document of blocks", content: `[{"type":"document","source":{"type":"content","content":[{"type":"image","source":{"type":"url","url":"u"}}]}}]`, more: imageTokens},
		{name: "a PDF", content: `[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + long + `"}}]`, unknown: true},
		{name: "a PDF elsewhere", content: `[{"type":"document","source":{"type":"url","url":"https://example.com/x.pdf"}}]`, unknown: true},
		{name: "a stored document", content: `[{"type":"document","source":{"type":"file","file_id":"f"}}]`, unknown: true},
		{name: "a search result", content: `[{"type":"search_result","source":"https://example.com","title":"t","content":[{"type":"text","text":"x"}]}]`},
		{name: "a fetched page", content: `[{"type":"web_fetch_tool_result","content":{}}]`, unknown: true},
		{name: "an upload", content: `[{"type":"container_upload","file_id":"f"}]`, unknown: true},
		{name: "a kind nobody knows", content: `[{"type":"hologram"}]`, unknown: true},
		{name: "no kind", content: `[{}]`, unknown: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			body := `{"model":"a","max_tokens":1,"messages":[{"role":"user","content":` + row.content + `}]}`
			call, err := p.Describe(messagesRequest(body))
			if err != nil {
				t.Fatal(err)
			}
			if want := int64(len(body)) - row.less + row.more; call.Facts.InputTokens != want || call.Facts.InputUnknown != row.unknown {
				t.Errorf("at most %d tokens, unknown %v; want %d, %v", call.Facts.InputTokens, call.Facts.InputUnknown, want, row.unknown)
			}
		})
	}
}
