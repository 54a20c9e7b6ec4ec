package gemini

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

func TestQueries(t *testing.T) {
	t.Parallel()
	p := provider(t)
	describe := func(verb, query string) (*plugins.Call, error) {
		return p.Describe(post("/v1beta/models/gemini-2.5-flash:"+verb, query, `{"contents":[]}`))
	}
	for _, row := range []struct{ verb, query, want string }{
		{"streamGenerateContent", "alt=sse", "alt=sse"},
		{"streamGenerateContent", "%24alt=sse", "alt=sse"},
		{"streamGenerateContent", "", ""},
		{"streamGenerateContent", "alt=json", ""},
		{"streamGenerateContent", "alt=sse&fields=candidates&prettyPrint=false", "alt=sse"},
		{"generateContent", "alt=json&$.xgafv=2&callback=x", ""},
		{"generateContent", "beta=true", ""},
	} {
		call, err := describe(row.verb, row.query)
		if err != nil || call.RawQuery != row.want {
			t.Errorf("%s?%s: goes on as %+v, %v", row.verb, row.query, call, err)
		}
	}
	for _, row := range []struct{ verb, query string }{
		{"streamGenerateContent", "alt=SSE"}, {"streamGenerateContent", "alt=proto"}, {"streamGenerateContent", "alt=media"},
		{"streamGenerateContent", "alt="}, {"streamGenerateContent", "alt=sse&alt=json"}, {"streamGenerateContent", "alt=sse&$alt=json"},
		{"generateContent", "alt=sse"}, {"generateContent", "%zz"}, {"generateContent", "a;b"}, {"generateContent", strings.Repeat("x&", 4000)},
		{"generateContent", "model=gemini-2.5-pro"}, {"generateContent", "Model=b"}, {"generateContent", "generation_config=x"}, {"generateContent", "cachedContent=x"},
		{"generateContent", "key=AIzaSecret"}, {"generateContent", "Key=AIzaSecret"}, {"generateContent", "k%65y=AIzaSecret"}, {"generateContent", "alt=json&key=AIzaSecret"},
		{"generateContent", "access_token=AIzaSecret"}, {"generateContent", "oauth_token=AIzaSecret"}, {"generateContent", "key"},
	} {
		_, err := describe(row.verb, row.query)
		var refused *plugins.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
			t.Errorf("%s?%s: got %v", row.verb, row.query, err)
			continue
		}
		if strings.Contains(refused.Message, "Secret") {
			t.Errorf("?%s: the refusal quotes the key: %s", row.query, refused.Message)
		}
		if strings.Contains(row.query, "Secret") && !strings.Contains(refused.Message, "key must not be in the URL") {
			t.Errorf("?%s: says %q", row.query, refused.Message)
		}
	}
	for query, want := range map[string]string{"pageSize=50&pageToken=Ab_-%3D%3D&filter=x": "pageSize=50&pageToken=Ab_-%3D%3D", "": "", "pageSize=0": "-", "pageSize=5&pageSize=6": "-", "pageToken=a%00": "-"} {
		call, err := p.Describe(plugins.Request{Method: http.MethodGet, Path: "/v1beta/models", RawQuery: query})
		if (err != nil) != (want == "-") || err == nil && call.RawQuery != want {
			t.Errorf("models?%s: %+v, %v", query, call, err)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for path, model := range map[string]string{
		"/models/gemini-2.5-flash:generateContent":                        "gemini-2.5-flash",
		"/v1/models/gemini-2.5-flash:generateContent":                     "gemini-2.5-flash",
		"/v1beta/models/learnlm_2:generateContent":                        "learnlm_2",
		"/v1beta/models/gemini-1.5-pro:generateContent":                   "gemini-1.5-pro",
		"/v1beta/models/g.e.m.i.n.i:generateContent":                      "g.e.m.i.n.i",
		"/v1beta/models/a:generateContent":                                "a",
		"/v1beta/models/v1beta:generateContent":                           "v1beta",
		"/v1beta/models/" + strings.Repeat("m", 256) + ":generateContent": strings.Repeat("m", 256),
	} {
		call, err := p.Describe(post(path, "", `{}`))
		if err != nil || call.Facts.Model != model || call.Path != "/models/"+model+":generateContent" {
			t.Errorf("%.60s: %+v, %v", path, call, err)
		}
	}
	for _, path := range []string{
		"/v1alpha/models/gemini-2.5-flash:generateContent", "/v1beta/v1/models/gemini-2.5-flash:generateContent",
		"/v1beta/models/gemini-2.5-flash:predict", "/v1beta/models/gemini-2.5-flash:batchGenerateContent", "/v1beta/models/gemini-2.5-flash:generatecontent",
		"/v1beta/models/gemini-2.5-flash:generateContent:countTokens", "/v1beta/models/gemini:x:generateContent", "/v1beta/models/:generateContent",
		"/v1beta/models/gemini.:generateContent", "/v1beta/models/.gemini:generateContent", "/v1beta/models/gemini~:generateContent", "/v1beta/models/-gemini:generateContent",
		"/v1beta/tunedModels/x:generateContent", "/v1beta/models/a/b:generateContent", "/v1beta/cachedContents", "/v1beta/files", "/upload/v1beta/files",
		"/v1beta/openai/chat/completions", "/openai/chat/completions", "/v1beta/models/" + strings.Repeat("m", 257) + ":generateContent",
	} {
		var refused *plugins.Error
		if _, err := p.Describe(post(path, "", `{}`)); !errors.As(err, &refused) || refused.Code != plugins.CodeUnsupportedEndpoint {
			t.Errorf("%.80s: got %v", path, err)
		}
	}
	if _, err := p.Describe(plugins.Request{Method: http.MethodGet, Path: "/models", Body: []byte("{}")}); err == nil {
		t.Error("a body on GET /models is accepted")
	}
}
