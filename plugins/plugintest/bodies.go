package plugintest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// encodings other than plain must be refused: what is read must be what is sent.
func (s Suite) encodings(t *testing.T, sample Sample) {
	if len(sample.Request.Body) == 0 {
		return
	}
	refuse := func(name string, values ...string) {
		r := clone(sample.Request)
		r.Header[name] = values
		s.mustRefuse(t, fmt.Sprintf("%s: %q", name, values), r, http.StatusUnsupportedMediaType, plugins.CodeUnsupportedEncoding)
	}
	for _, coding := range []string{"gzip", "GZIP", "deflate", "br", "zstd", "compress", "x-gzip", "identity, gzip", "gzip, identity", "unheard-of"} {
		refuse("Content-Encoding", coding)
	}
	refuse("Content-Encoding", "identity", "gzip")
	if !takesJSON(sample) {
		return
	}
	for _, media := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "application/xml",
		"application/json; charset=utf-16", "application/json; charset=utf-7", "application/json, text/plain", "json", "application/json;;;=",
	} {
		refuse("Content-Type", media)
	}
	refuse("Content-Type")
	refuse("Content-Type", "application/json", "text/plain")
	for _, media := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"} {
		r := clone(sample.Request)
		r.Header.Set("Content-Type", media)
		s.mustDescribe(t, r)
	}
}

func takesJSON(sample Sample) bool {
	return strings.HasPrefix(sample.Request.Header.Get("Content-Type"), "application/json")
}

// bodies that two readers may understand differently must be refused.
func (s Suite) bodies(t *testing.T, sample Sample) {
	if !takesJSON(sample) {
		return
	}
	body := string(sample.Request.Body)
	refuse := func(what, text string) {
		r := clone(sample.Request)
		r.Body = []byte(text)
		s.mustRefuse(t, what, r, http.StatusBadRequest, plugins.CodeInvalidRequest)
	}
	inside := strings.TrimSuffix(strings.TrimSpace(body), "}")
	refuse("an empty body", "")
	refuse("a byte order mark", "\ufeff"+body)
	refuse("trailing data", body+body)
	refuse("a trailing nul", body+"\x00")
	refuse("half a body", inside)
	refuse("a trailing comma", inside+",}")
	refuse("invalid UTF-8", inside+",\"zz\":\"\xff\"}")
	refuse("a lone surrogate", inside+`,"zz":"\ud800"}`)
	refuse("a duplicate deep inside", inside+`,"zz":[{"a":1,"a":2}]}`)
	refuse("ten thousand levels", inside+`,"zz":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+"}")
	refuse("an array", "["+body+"]")
	refuse("null", "null")
	var members map[string]json.RawMessage
	if err := json.Unmarshal(sample.Request.Body, &members); err != nil {
		t.Fatalf("the sample's body is no JSON object: %v", err)
	}
	for name, value := range members {
		refuse("duplicate "+name, inside+fmt.Sprintf(",%q:%s}", name, value))
		refuse("escaped duplicate "+name, inside+fmt.Sprintf(",\"\\u%04x%s\":%s}", name[0], name[1:], value))
	}
	if _, ok := members["model"]; ok {
		s.models(inside, string(members["model"]), refuse)
	}
}

// models checks that no second model can hide in a body and no first be missing.
func (s Suite) models(inside, model string, refuse func(what, text string)) {
	for _, name := range []string{"Model", "MODEL", "mOdel", "mod\\u0065l", " model", "model ", "mo-del", "model\\u0000", "\\ufeffmodel"} {
		refuse("a second model as "+name, inside+fmt.Sprintf(",\"%s\":\"zz\"}", name))
		refuse("the only model as "+name, strings.Replace(inside, `"model"`, `"`+name+`"`, 1)+"}")
	}
	for _, value := range []string{`null`, `""`, `7`, `true`, `[]`, `["zz"]`, `{}`, `{"id":"zz"}`, `" zz"`, `"zz "`, `"z\u0000z"`, `"z\nz"`, `"z\u200bz"`, `"` + strings.Repeat("z", 1000) + `"`} {
		refuse("a model that is "+value, strings.Replace(inside, model, value, 1)+"}")
	}
}

// outputCap must hold afterwards, by the provider's own reading, and leave a
// lower one alone.
func (s Suite) outputCap(t *testing.T, sample Sample) {
	for _, limit := range []int64{1, 7, 1 << 20} {
		call := s.mustDescribe(t, sample.Request)
		if call.CapOutput == nil {
			if err := call.SetOutputCap(limit); err != nil {
				t.Errorf("an action without output: %v", err)
			}
			return
		}
		asked := call.Facts.OutputTokens
		if err := call.SetOutputCap(limit); err != nil {
			t.Fatal(err)
		}
		r := clone(sample.Request)
		r.Body = call.Body
		again := s.mustDescribe(t, r)
		want := limit
		if asked > 0 {
			want = min(asked, limit)
		}
		if again.Facts.OutputTokens != want || call.Facts.OutputTokens != want {
			t.Errorf("asked %d, capped at %d: reads as %d, facts say %d", asked, limit, again.Facts.OutputTokens, call.Facts.OutputTokens)
		}
	}
}
