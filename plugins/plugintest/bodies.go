package plugintest

import (
	"encoding/json"
	"errors"
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
	if len(sample.Request.Body) == 0 {
		s.noBody(t, sample)
	}
	if !takesJSON(sample) {
		return
	}
	body := string(sample.Request.Body)
	refuse := func(what, text string) {
		t.Helper()
		r := clone(sample.Request)
		r.Body = []byte(text)
		s.mustRefuse(t, what, r, http.StatusBadRequest, plugins.CodeInvalidRequest)
	}
	head, object, tail := firstObject(t, body)
	inside := head + strings.TrimSuffix(object, "}")
	refuse("a byte order mark", "\ufeff"+body)
	refuse("a byte order mark inside", head+"\ufeff"+object+tail)
	refuse("UTF-16", utf16(body))
	refuse("trailing data", body+body)
	refuse("a trailing comma", body+",")
	refuse("a trailing nul", body+"\x00")
	refuse("a comment", "/* x */"+body)
	refuse("half a body", inside)
	refuse("a trailing comma inside", inside+",}"+tail)
	refuse("a number no reader agrees on", inside+`,"zz":01}`+tail)
	refuse("NaN", inside+`,"zz":NaN}`+tail)
	refuse("single quotes", inside+`,'zz':1}`+tail)
	refuse("a bare name", inside+`,zz:1}`+tail)
	refuse("a control character", inside+",\"zz\":\"\x01\"}"+tail)
	refuse("invalid UTF-8", inside+",\"zz\":\"\xff\"}"+tail)
	refuse("overlong UTF-8", inside+",\"zz\":\"\xc0\xaf\"}"+tail)
	refuse("a surrogate in UTF-8", inside+",\"zz\":\"\xed\xa0\x80\"}"+tail)
	refuse("a lone surrogate", inside+`,"zz":"\ud800"}`+tail)
	refuse("a duplicate deep inside", inside+`,"zz":[{"a":1,"a":2}]}`+tail)
	refuse("an escaped duplicate deep inside", inside+`,"zz":[{"a":1,"\u0061":2}]}`+tail)
	refuse("ten thousand levels", inside+`,"zz":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+"}"+tail)
	if !sample.AnyJSON {
		refuse("an empty body", "")
		refuse("white space", " \r\n\t ")
		refuse("an array around it", "["+body+"]")
		for _, other := range []string{"null", "true", "7", `"x"`, "[]", "[null]", "[[]]"} {
			refuse(other, other)
		}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		t.Fatalf("the sample's body is no JSON object: %v", err)
	}
	for name, value := range members {
		refuse("duplicate "+name, inside+fmt.Sprintf(",%q:%s}", name, value)+tail)
		refuse("escaped duplicate "+name, inside+fmt.Sprintf(",\"\\u%04x%s\":%s}", name[0], name[1:], value)+tail)
		if !sample.AnyJSON {
			s.cases(t, name, inside, string(value), tail, refuse)
		}
	}
	if _, ok := members["model"]; ok && tail == "" {
		s.models(inside, string(members["model"]), refuse)
	}
}

// cases checks that no member can be given again in letters another reader takes
// for the same.
func (s Suite) cases(t *testing.T, name, inside, value, tail string, refuse func(what, text string)) {
	t.Helper()
	for _, variant := range []string{
		strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], name[:len(name)-1] + strings.ToUpper(name[len(name)-1:]),
		" " + name, name + " ", name + "\\u0000", "\\ufeff" + name,
	} {
		if variant != name {
			refuse(fmt.Sprintf("%s again as %q", name, variant), inside+fmt.Sprintf(",\"%s\":%s}", variant, value)+tail)
		}
	}
}

// noBody checks that a body where none belongs is refused or left behind.
func (s Suite) noBody(t *testing.T, sample Sample) {
	if sample.AnyJSON {
		return
	}
	r := clone(sample.Request)
	r.Header.Set("Content-Type", "application/json")
	r.Body = []byte(`{"model":"zz-canary"}`)
	if call, err := s.Provider.Describe(s.prepare(r)); err == nil && (len(call.Body) > 0 || len(call.Upload) > 0) {
		t.Error("a body reaches the upstream where none belongs")
	}
}

// firstObject splits a body that is an object, or an array of one, around it.
func firstObject(t *testing.T, body string) (head, object, tail string) {
	t.Helper()
	body = strings.TrimSpace(body)
	from, to := strings.IndexByte(body, '{'), strings.LastIndexByte(body, '}')
	if from < 0 || to < from {
		t.Fatal("the sample's body holds no JSON object")
	}
	return body[:from], body[from : to+1], body[to+1:]
}

func utf16(text string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, c := range []byte(text) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
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
// lower one alone. Output that cannot be cut short is refused instead.
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
		err := call.SetOutputCap(limit)
		if refused := (*plugins.Error)(nil); errors.As(err, &refused) && refused.Status == http.StatusForbidden && asked > limit {
			continue // it comes whole or not at all
		}
		if err != nil {
			t.Fatal(err)
		}
		r := clone(sample.Request)
		if call.Upload == nil {
			r.Body = call.Body
		}
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
