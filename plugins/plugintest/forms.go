package plugintest

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// forms that two readers may understand differently must be refused.
func (s Suite) forms(t *testing.T, sample Sample) {
	media, params, err := mime.ParseMediaType(sample.Request.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return
	}
	body, boundary := string(sample.Request.Body), params["boundary"]
	refuse := func(what, text string) {
		t.Helper()
		r := clone(sample.Request)
		r.Body = []byte(text)
		s.mustRefuse(t, what, r, http.StatusBadRequest, plugins.CodeInvalidRequest)
	}
	part := func(disposition, value string) string {
		return "--" + boundary + "\r\nContent-Disposition: " + disposition + "\r\n\r\n" + value + "\r\n"
	}
	refuse("an empty body", "")
	refuse("half a body", body[:len(body)/2])
	refuse("a preamble", "zz\r\n"+body)
	refuse("an epilogue", strings.TrimSuffix(body, "\r\n")+"\r\nzz")
	refuse("a second form", body+body)
	refuse("bare line feeds", strings.ReplaceAll(body, "\r\n", "\n"))
	refuse("a broken delimiter", part(`form-data; name="zz"`, "1")+"--"+boundary+"zz\r\n"+body)
	refuse("a transfer coding", "--"+boundary+"\r\nContent-Disposition: form-data; name=\"zz\"\r\nContent-Transfer-Encoding: base64\r\n\r\neHg=\r\n"+body)
	for _, media := range []string{
		"multipart/form-data", "multipart/mixed; boundary=" + boundary, "multipart/form-data; boundary=\"" + boundary + " \"",
		"multipart/form-data; boundary=", "application/json", "text/plain", "application/x-www-form-urlencoded",
	} {
		r := clone(sample.Request)
		r.Header.Set("Content-Type", media)
		call, err := s.Provider.Describe(s.prepare(r))
		if refused := (*plugins.Error)(nil); err == nil || call != nil || !errors.As(err, &refused) {
			t.Errorf("a form as %q: got %v", media, err)
		}
	}
	if !strings.Contains(body, `name="model"`) {
		return
	}
	for _, disposition := range []string{
		`form-data; name="model"`, `form-data; name="Model"`, `form-data; name="MODEL"`, `form-data; name="mo-del"`, `form-data; name=model`,
		`form-data; name=" model"`, `form-data; name="mod\el"`, `form-data; name="mod%65l"`, `form-data; name*=utf-8''model`,
		`form-data; name="zz"; name="model"`, `form-data; name="zz"; name*=utf-8''model`, `form-data; name="model"; filename="zz"`, `attachment; name="model"`,
		`form-data; name="model[]"`, `form-data; name="model[0]"`, `form-data; name="model\x00"`, "form-data;\r\n name=\"model\"", "form-data; name=\"zz\"\r\nContent-Disposition: form-data; name=\"model\"",
	} {
		refuse(fmt.Sprintf("a second model as %q", disposition), part(disposition, "zz")+body)
		last := strings.LastIndex(body, "--"+boundary+"--")
		refuse(fmt.Sprintf("a second model at the end as %q", disposition), body[:last]+part(disposition, "zz")+body[last:])
	}
}
