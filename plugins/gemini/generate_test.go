package gemini

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genai"

	"github.com/keywicket/keywicket/plugins"
)

func TestGenerateFacts(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct {
		name, members string
		want          plugins.Facts // but for the action, the model and the input
		more          int64         // input tokens beyond the body's bytes
	}{
		{name: "nothing more", want: plugins.Facts{Choices: 1}},
		{name: "nulls count as absent", members: `,"tools":null,"generationConfig":null,"cachedContent":null,"serviceTier":null,"systemInstruction":null`, want: plugins.Facts{Choices: 1}},
		{name: "nulls inside", members: `,"generationConfig":{"maxOutputTokens":null,"candidateCount":null}`, want: plugins.Facts{Choices: 1}},
		{name: "a cap", members: `,"generationConfig":{"maxOutputTokens":5,"candidateCount":8}`, want: plugins.Facts{OutputTokens: 5, Choices: 8}},
		{name: "a cap with underscores", members: `,"generation_config":{"max_output_tokens":5,"candidate_count":2}`, want: plugins.Facts{OutputTokens: 5, Choices: 2}},
		{name: "a mixture", members: `,"generationConfig":{"max_output_tokens":5,"candidateCount":2}`, want: plugins.Facts{OutputTokens: 5, Choices: 2}},
		{name: "empty tools", members: `,"tools":[]`, want: plugins.Facts{Choices: 1}},
		{name: "functions", members: `,"tools":[{"functionDeclarations":[]},{"function_declarations":[]}]`, want: plugins.Facts{Tools: true, Choices: 1}, more: 1024},
		{name: "computer use", members: `,"tools":[{"computerUse":{}}]`, want: plugins.Facts{Tools: true, Choices: 1}, more: 1024},
		{name: "an empty tool", members: `,"tools":[{}]`, want: plugins.Facts{Tools: true, Choices: 1}, more: 1024},
		{name: "search", members: `,"tools":[{"googleSearch":{}}]`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}, more: 1024},
		{name: "search with underscores", members: `,"tools":[{"google_search":{}}]`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}, more: 1024},
		{name: "code", members: `,"tools":[{"functionDeclarations":[]},{"codeExecution":{}}]`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}, more: 1024},
		{name: "pages", members: `,"tools":[{"urlContext":{}}]`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}, more: 1024},
		{name: "files", members: `,"tools":[{"fileSearch":{"fileSearchStoreNames":["x"]}}]`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}, more: 1024},
		{name: "remote servers", members: `,"tools":[{"mcpServers":[{}]}]`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}, more: 1024},
		{name: "a tool nobody knows", members: `,"tools":[{"teleport":{}}]`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}, more: 1024},
		{name: "one tool that is no list", members: `,"tools":{"googleSearch":{}}`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}, more: 1024},
		{name: "cached content, which may hold tools", members: `,"cachedContent":"cachedContents/x"`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}},
		{name: "cached content with underscores", members: `,"cached_content":"cachedContents/x"`, want: plugins.Facts{Tools: true, InputUnknown: true, Choices: 1}},
		{name: "an answer that goes on", members: `,"continuationToken":"eA=="`, want: plugins.Facts{InputUnknown: true, Choices: 1}},
		{name: "tiers at the price or below", members: `,"serviceTier":"flex"`, want: plugins.Facts{Choices: 1}},
		{name: "a tier by its long name", members: `,"service_tier":"SERVICE_TIER_STANDARD"`, want: plugins.Facts{Choices: 1}},
		{name: "the model once more", members: `,"model":"models/gemini-2.5-flash"`, want: plugins.Facts{Choices: 1}},
		{name: "the model's bare name", members: `,"model":"gemini-2.5-flash"`, want: plugins.Facts{Choices: 1}},
		{name: "members that say nothing here", members: `,"safety_settings":[],"labels":{"model":"zz"},"toolConfig":{},"store":false`, want: plugins.Facts{Choices: 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			body := `{"contents":[]` + row.members + `}`
			call, err := p.Describe(generateRequest(body))
			if err != nil {
				t.Fatal(err)
			}
			row.want.Action, row.want.Model, row.want.InputTokens = GenerateContent, "gemini-2.5-flash", int64(len(body))+row.more
			if !reflect.DeepEqual(call.Facts, row.want) {
				t.Errorf("got\n%+v, want\n%+v", call.Facts, row.want)
			}
			if call.Path != "/models/gemini-2.5-flash:generateContent" || string(call.Body) != body || call.RawQuery != "" {
				t.Errorf("%s became %s to %s?%s", body, call.Body, call.Path, call.RawQuery)
			}
		})
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct{ members, param string }{
		{`"model":"models/gemini-2.5-pro"`, "model"},
		{`"model":"models/models/gemini-2.5-flash"`, "model"},
		{`"model":"publishers/google/models/gemini-2.5-flash"`, "model"},
		{`"model":["gemini-2.5-flash"]`, "model"},
		{`"Model":"gemini-2.5-flash"`, "Model"},
		{`"generationConfig":[]`, "generationConfig"},
		{`"generationConfig":{},"generation_config":{"max_output_tokens":99999}`, "generation_config"},
		{`"generation_config":{},"generationConfig":{"maxOutputTokens":99999}`, "generationConfig"},
		{`"GenerationConfig":{}`, "GenerationConfig"},
		{`"generationconfig":{}`, "generationconfig"},
		{`"generation-config":{}`, "generation-config"},
		{`"generationConfig":{"maxOutputTokens":5,"max_output_tokens":99999}`, "generationConfig.max_output_tokens"},
		{`"generationConfig":{"maxOutputTokens":"100"}`, "maxOutputTokens"},
		{`"generationConfig":{"maxOutputTokens":100.0}`, "maxOutputTokens"},
		{`"generationConfig":{"maxOutputTokens":1e2}`, "maxOutputTokens"},
		{`"generationConfig":{"maxOutputTokens":0}`, "maxOutputTokens"},
		{`"generationConfig":{"maxOutputTokens":-1}`, "maxOutputTokens"},
		{`"generationConfig":{"maxOutputTokens":2147483648}`, "maxOutputTokens"},
		{`"generationConfig":{"max_output_tokens":"100"}`, "max_output_tokens"},
		{`"generationConfig":{"MaxOutputTokens":100}`, "generationConfig.MaxOutputTokens"},
		{`"generationConfig":{"candidateCount":9}`, "candidateCount"},
		{`"generationConfig":{"candidateCount":"2"}`, "candidateCount"},
		{`"generationConfig":{"routingConfig":{"autoMode":{}}}`, "generationConfig.routingConfig"},
		{`"generationConfig":{"modelConfig":{}}`, "generationConfig.modelConfig"},
		{`"generationConfig":{"model_selection_config":{}}`, "generationConfig.model_selection_config"},
		{`"generationConfig":{"xNew":1}`, "generationConfig.xNew"},
		{`"serviceTier":"priority"`, "serviceTier"},
		{`"service_tier":"SERVICE_TIER_PRIORITY"`, "service_tier"},
		{`"serviceTier":3`, "serviceTier"},
		{`"tools":"x"`, "tools"},
		{`"tools":["x"]`, "tools"},
		{`"tools":[],"Tools":[{}]`, "Tools"},
		{`"contents":["x"],"contents ":[]`, "contents "},
		{`"contents":7`, "contents"},
		{`"contents":[7]`, "contents"},
		{`"contents":[{"parts":7}]`, "contents"},
		{`"contents":[{"parts":["x"]}]`, "contents"},
		{`"systemInstruction":7`, "systemInstruction"},
		{`"key":"k"`, "key"},
		{`"api_base":"http://example.com"`, "api_base"},
		{`"xNew":null`, "xNew"},
	} {
		t.Run(row.members, func(t *testing.T) {
			t.Parallel()
			_, err := p.Describe(generateRequest("{" + row.members + "}"))
			var refused *plugins.Error
			if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Param != row.param {
				t.Errorf("got %#v, want 400 that names %q", err, row.param)
			}
		})
	}
}

func TestOutputCapIsWrittenInTheClientsSpelling(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct{ in, want string }{
		{`{"contents":[]}`, `{"contents":[],"generationConfig":{"maxOutputTokens":9}}`},
		{`{}`, `{"generationConfig":{"maxOutputTokens":9}}`},
		{`{"generationConfig":null}`, `{"generationConfig":{"maxOutputTokens":9}}`},
		{`{"generation_config":null}`, `{"generation_config":{"maxOutputTokens":9}}`},
		{`{"generationConfig":{}}`, `{"generationConfig":{"maxOutputTokens":9}}`},
		{`{"generationConfig":{ "topK" : 4 }}`, `{"generationConfig":{ "topK" : 4,"maxOutputTokens":9 }}`},
		{`{"generationConfig":{"maxOutputTokens": 100}}`, `{"generationConfig":{"maxOutputTokens": 9}}`},
		{`{"generationConfig":{"maxOutputTokens":null}}`, `{"generationConfig":{"maxOutputTokens":9}}`},
		{`{"generation_config":{"max_output_tokens":100},"contents":[]}`, `{"generation_config":{"max_output_tokens":9},"contents":[]}`},
		{`{"generation_config":{"max_output_tokens":3},"contents":[]}`, ``},
	} {
		call, err := p.Describe(generateRequest(row.in))
		if err != nil {
			t.Fatal(err)
		}
		if err := call.SetOutputCap(9); err != nil {
			t.Fatal(err)
		}
		if row.want == "" {
			row.want = row.in
		}
		if string(call.Body) != row.want {
			t.Errorf("%s became %s, want %s", row.in, call.Body, row.want)
		}
	}
}

func TestEmbedFacts(t *testing.T) {
	t.Parallel()
	p := provider(t)
	describe := func(verb, body string) (*plugins.Call, error) {
		return p.Describe(post("/v1beta/models/gemini-embedding-001:"+verb, "", body))
	}
	const one = `{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"hi"}]},"task_type":"RETRIEVAL_QUERY"}`
	for _, row := range []struct {
		verb, body string
		ok         bool
	}{
		{"embedContent", one, true},
		{"embedContent", `{"content":{"parts":[{"text":"hi"}]},"outputDimensionality":5,"title":"x"}`, true},
		{"embedContent", `{"model":"models/other","content":{}}`, false},
		{"embedContent", `{"content":{},"taskType":"A","task_type":"B"}`, false},
		{"embedContent", `{"content":{},"generationConfig":{}}`, false},
		{"embedContent", `{"content":[]}`, false},
		{"batchEmbedContents", `{"requests":[` + one + `,` + one + `]}`, true},
		{"batchEmbedContents", `{"requests":[]}`, true},
		{"batchEmbedContents", `{"requests":[` + one + `,{"model":"models/other","content":{}}]}`, false},
		{"batchEmbedContents", `{"requests":[{"model":null,"content":{}}]}`, false},
		{"batchEmbedContents", `{"requests":[7]}`, false},
		{"batchEmbedContents", `{"requests":{}}`, false},
		{"batchEmbedContents", `{"model":"models/other","requests":[]}`, false},
		{"countTokens", `{"contents":[{"parts":[{"fileData":{}}]}]}`, true},
		{"countTokens", `{"generateContentRequest":{"model":"models/gemini-embedding-001","contents":[],"tools":[{}]}}`, true},
		{"countTokens", `{"generate_content_request":{"model":"models/other"}}`, false},
		{"countTokens", `{"generateContentRequest":[]}`, false},
		{"countTokens", `{"model":"models/other"}`, false},
	} {
		call, err := describe(row.verb, row.body)
		if (err == nil) != row.ok {
			t.Errorf("%s %s: %v", row.verb, row.body, err)
			continue
		}
		want := int64(len(row.body))
		if row.verb == "countTokens" {
			want = 0 // counting is free
		}
		if row.ok && (call.Facts.InputTokens != want || call.Facts.InputUnknown || call.Facts.Choices != 0 || call.CapOutput != nil) {
			t.Errorf("%s %s: %+v", row.verb, row.body, call.Facts)
		}
	}
}

// What Google's own SDK can say in a configuration, an app can say too, but for
// what chooses a model.
func TestEveryDocumentedMemberIsForwarded(t *testing.T) {
	t.Parallel()
	refused := []string{"routingConfig", "modelSelectionConfig", "audioTimestamp", "enableAffectiveDialog"}
	config := reflect.TypeFor[genai.GenerationConfig]()
	n := 0
	for i := range config.NumField() {
		name, _, _ := strings.Cut(config.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" || slices.Contains(refused, name) {
			continue
		}
		if n++; !slices.Contains(configMembers(), name) {
			t.Errorf("%s is refused", name)
		}
	}
	if n < 18 {
		t.Errorf("the SDK has only %d members", n)
	}
}

// Pictures and sound come in large pieces: they are held whole.
func TestAnswersWithPicturesAndSound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		model, config string
		want          bool
	}{
		{"gemini-2.5-flash", `{}`, false},
		{"gemini-2.5-flash", `{"responseModalities":["TEXT"]}`, false},
		{"gemini-2.5-flash", `{"responseModalities":["text"]}`, false},
		{"gemini-2.5-flash", `{"responseModalities":[]}`, false},
		{"gemini-2.5-flash", `{"responseModalities":["TEXT","IMAGE"]}`, true},
		{"gemini-2.5-flash", `{"response_modalities":["AUDIO"]}`, true},
		{"gemini-2.5-flash", `{"responseModalities":"IMAGE"}`, true},
		{"gemini-2.5-flash", `{"responseModalities":[2]}`, true},
		{"gemini-2.5-flash", `{"speechConfig":{}}`, true},
		{"gemini-2.5-flash-image", `{}`, true},
		{"gemini-3.1-flash-image-preview", `null`, true},
		{"gemini-2.5-pro-preview-tts", `{}`, true},
	} {
		for action, stream := range map[string]bool{"streamGenerateContent": true, "generateContent": false} {
			call, err := provider(t).Describe(post("/v1beta/models/"+row.model+":"+action, "", `{"contents":[],"generationConfig":`+row.config+`}`))
			if err != nil {
				t.Errorf("%s %s: %v", row.model, row.config, err)
				continue
			}
			if call.Facts.OutputAtOnce != (row.want && stream) {
				t.Errorf("%s %s %s: %v", action, row.model, row.config, call.Facts.OutputAtOnce)
			}
		}
	}
}

func TestReportsOfZeros(t *testing.T) {
	t.Parallel()
	for usage, final := range map[string]bool{
		`{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":11}`: true,
		`{"promptTokenCount":0,"candidatesTokenCount":2,"totalTokenCount":2}`:  false,
		`{"promptTokenCount":9,"candidatesTokenCount":0,"totalTokenCount":9}`:  false,
		`{"promptTokenCount":0,"candidatesTokenCount":0,"totalTokenCount":0}`:  false,
	} {
		call, err := provider(t).Describe(generateRequest(`{"contents":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		m := provider(t).NewMeter(call)
		m.Body([]byte(`{"candidates":[{"content":{"parts":[{"text":"some words"}]},"finishReason":"STOP"}],"usageMetadata":` + usage + `}`))
		if m.Final() != final {
			t.Errorf("%s: final is %v", usage, m.Final())
		}
	}
}
