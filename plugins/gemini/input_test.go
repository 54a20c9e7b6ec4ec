package gemini

import (
	"strings"
	"testing"
)

func TestInputBounds(t *testing.T) {
	t.Parallel()
	p := provider(t)
	long := strings.Repeat("A", 40_000)
	inline := func(kind string) string { return `{"inlineData":{"mimeType":"` + kind + `","data":"` + long + `"}}` }
	for _, row := range []struct {
		name, part string
		less, more int64 // than the body's bytes
		unknown    bool
	}{
		{name: "text", part: `{"text":"hello"}`},
		{name: "an image", part: inline("image/png"), less: 40_002, more: imageTokens},
		{name: "an image with underscores", part: `{"inline_data":{"mime_type":"image/jpeg","data":"` + long + `"}}`, less: 40_002, more: imageTokens},
		{name: "a loud image", part: inline("IMAGE/PNG"), less: 40_002, more: imageTokens},
		{name: "an image of two kinds", part: `{"inlineData":{"mimeType":"image/png","mime_type":"text/plain","data":"` + long + `"}}`, unknown: true},
		{name: "a drawing in text", part: inline("image/svg+xml"), unknown: true},
		{name: "text in base64", part: inline("text/plain")},
		{name: "audio", part: inline("audio/mp3"), unknown: true},
		{name: "video", part: inline("video/mp4"), unknown: true},
		{name: "a PDF", part: inline("application/pdf"), unknown: true},
		{name: "of no kind", part: `{"inlineData":{"data":"` + long + `"}}`, unknown: true},
		{name: "a stored file", part: `{"fileData":{"fileUri":"https://example.com/x"}}`, unknown: true},
		{name: "a stored file with underscores", part: `{"file_data":{"file_uri":"https://example.com/x"}}`, unknown: true},
		{name: "an image as the argument of a function", part: `{"functionCall":{"args":` + inline("image/png") + `}}`},
		{name: "a function's answer", part: `{"functionResponse":{"name":"x","response":{"a":1}}}`},
		{name: "a function's answer with an image", part: `{"functionResponse":{"parts":[` + inline("image/webp") + `]}}`, less: 40_002, more: imageTokens},
		{name: "a function's answer with a file", part: `{"function_response":{"parts":[{"fileData":{}}]}}`, unknown: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, body := range []string{
				`{"contents":[{"role":"user","parts":[` + row.part + `]}]}`,
				`{"contents":{"parts":` + row.part + `}}`,
				`{"contents":[],"system_instruction":{"parts":[` + row.part + `]}}`,
			} {
				call, err := p.Describe(generateRequest(body))
				if err != nil {
					t.Fatal(err)
				}
				if want := int64(len(body)) - row.less + row.more; call.Facts.InputTokens != want || call.Facts.InputUnknown != row.unknown {
					t.Errorf("%.60s: at most %d tokens, unknown %v; want %d, %v", body, call.Facts.InputTokens, call.Facts.InputUnknown, want, row.unknown)
				}
			}
		})
	}
}
