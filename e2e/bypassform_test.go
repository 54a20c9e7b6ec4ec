package e2e_test

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
)

// forms are the endpoints that take one.
func forms() []endpoint {
	part := func(disposition, value string) string {
		return "--b\r\nContent-Disposition: " + disposition + "\r\n\r\n" + value + "\r\n"
	}
	form := func(name, path, model, file, more string) endpoint {
		return endpoint{
			name: "openai " + name, resource: "llm:openai", method: "POST", path: "/r/llm/openai/v1" + path, media: "multipart/form-data; boundary=b",
			body:   part(`form-data; name="model"`, model) + part(`form-data; name="`+file+`"; filename="a.bin"`+"\r\nContent-Type: application/octet-stream", "RIFF\x00\xff") + more + "--b--\r\n",
			member: "model", allowed: model, forbidden: "o3-pro",
		}
	}
	return []endpoint{
		form("transcription", "/audio/transcriptions", "gpt-4o-transcribe", "file", ""),
		form("translation", "/audio/translations", "gpt-4o-transcribe", "file", ""),
		form("edit", "/images/edits", "gpt-image-1", "image", part(`form-data; name="prompt"`, "hi")),
	}
}

// namesOfParts are dispositions that some reader takes for a field called model.
func namesOfParts() []string {
	return []string{
		`form-data; name="model"`, `form-data; name=model`, `form-data; name='model'`, `form-data; name="Model"`, `form-data; name="MODEL"`, `form-data; name="mo-del"`, `form-data; name="model "`,
		`form-data; name=" model"`, `form-data; name="mod\el"`, `form-data; name="mod%65l"`, `form-data; name="model\""`, `form-data; name="model[]"`, `form-data; name="model[0]"`, `form-data; name="model\x00"`,
		`form-data; name*=utf-8''model`, `form-data; name*=UTF-8'en'mod%65l`, `form-data; name*="utf-8''model"`, `form-data; name*0="mod"; name*1="el"`, `form-data; name*0*=utf-8''mod; name*1=el`,
		`form-data; name="zz"; name*=utf-8''model`, `form-data; name*=utf-8''model; name="zz"`, `form-data; name="zz"; name="model"`, `form-data; name="model"; name="zz"`, `form-data; NAME="model"`,
		`form-data; Name=model`, `FORM-DATA; name="model"`, `Form-Data; name="model"`, `form-data;name="model"`, `form-data ; name="model"`, `form-data; name ="model"`, `form-data; name= "model"`,
		`form-data; name="model"; filename="x"`, `form-data; filename="x"; name="model"`, `form-data; name="model"; filename=""`, `form-data; name="model"; filename*=utf-8''x`, `form-data; name="model"; x="y"`,
		`form-data; name="model";`, `form-data; x="; name="; name="model"`, `form-data; name="zz\"; name=\"model"`, `attachment; name="model"`, `inline; name="model"`, `name="model"`, `form-data, name="model"`,
		"form-data;\r\n name=\"model\"", "form-data;\r\n\tname=\"model\"", "form-data; name=\"zz\"\r\nContent-Disposition: form-data; name=\"model\"", "form-data; name=\"zz\"\r\ncontent-disposition: form-data; name=\"model\"",
		"form-data; name=\"model\"\r\nContent-Type: text/plain; charset=utf-16", "form-data; name=\"model\"\r\nContent-Transfer-Encoding: base64", "form-data; name=\"model\"\r\nContent-Encoding: gzip",
		"form-data; name=\"zz\"\nContent-Disposition: form-data; name=\"model\"", "form-data; name=\"zz\"\rContent-Disposition: form-data; name=\"model\"", "form-data; name=\"model\"\r\n :",
		"form-data; name=\"\uff4dodel\"", "form-data; name=\"model\u200b\"", "form-data; name=\"\ufeffmodel\"", "form-data; name=\"mode\u217c\"",
	}
}

// TestDisguisedForms sends forms in which two readers may find two models.
func TestDisguisedForms(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range forms() {
		for _, media := range []string{e.media, `Multipart/Form-Data;boundary="b"`, "multipart/form-data; boundary*=utf-8''b", "multipart/form-data; boundary*0=b", "multipart/form-data; boundary=c; boundary*=utf-8''b"} {
			e := e
			e.media = media // however it is named, another boundary goes to the provider
			b.passesForm(t, e)
		}
		try := func(what, body string) {
			t.Helper()
			a := e.draft()
			a.body = body
			b.denied(t, what, a, 400, "invalid_request")
		}
		own := "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + e.allowed + "\r\n"
		rest := strings.TrimPrefix(e.body, own)
		for _, disposition := range namesOfParts() {
			part := "--b\r\nContent-Disposition: " + disposition + "\r\n\r\n" + e.forbidden + "\r\n"
			try("before as "+disposition, part+e.body)
			try("behind as "+disposition, strings.TrimSuffix(e.body, "--b--\r\n")+part+"--b--\r\n")
			if disposition != namesOfParts()[0] && !strings.Contains(disposition, "charset") && disposition != `form-data;name="model"` {
				try("only as "+disposition, part+rest)
			}
		}
		for _, value := range []string{
			e.allowed + "\r\n" + e.forbidden, e.allowed + "\x00", " " + e.allowed, e.allowed + "\n", "\ufeff" + e.allowed, "\xff", strings.Repeat("x", 5000), e.allowed + "," + e.forbidden + " ",
		} {
			try(fmt.Sprintf("model %.20q", value), strings.Replace(e.body, e.allowed, value, 1))
		}
		for _, field := range []string{"api_base", "base_url", "api_key", "url", "deployment_id", "models", "fallbacks", "provider", "extra_body", "model_id", "engine", "file_url", "_charset_"} {
			try("with "+field, "--b\r\nContent-Disposition: form-data; name=\""+field+"\"\r\n\r\nhttps://evil.example\r\n"+e.body)
		}
		for what, text := range map[string]string{
			"nothing": "", "half": e.body[:len(e.body)/2], "no end": strings.TrimSuffix(e.body, "--b--\r\n"), "a preamble": "x\r\n" + e.body, "an epilogue": e.body + "x", "a second form": e.body + e.body,
			"line feeds": strings.ReplaceAll(e.body, "\r\n", "\n"), "a carriage return": strings.ReplaceAll(e.body, "\r\n", "\r"), "a longer boundary": strings.Replace(e.body, "--b\r\n", "--bb\r\n", 1),
			"space behind a boundary": strings.Replace(e.body, "--b\r\n", "--b \r\n", 1), "an empty part": "--b\r\n\r\n\r\n" + e.body, "JSON": `{"model":"` + e.allowed + `"}`,
			"an end in the middle": strings.Replace(e.body, rest, "--b--\r\n"+rest, 1), "a byte order mark": "\ufeff" + e.body,
		} {
			try(what, text)
		}
		for _, media := range [][]string{
			{}, {"application/json"}, {"text/plain"}, {"multipart/mixed; boundary=b"}, {"multipart/form-data"}, {"multipart/form-data; boundary="}, {`multipart/form-data; boundary="b "`},
			{"multipart/form-data; boundary=b; boundary=c"}, {"multipart/form-data; boundary=c; boundary=b"}, {"multipart/form-data; boundary=b, multipart/form-data; boundary=c"},
			{"multipart/form-data; boundary=b", "multipart/form-data; boundary=c"}, {"multipart/form-data; boundary=b; charset=utf-16"},
			{"multipart/form-data; boundary=b; x=y"}, {"application/x-www-form-urlencoded"}, {"multipart/related; boundary=b"},
		} {
			a := e.draft()
			a.media = media
			b.denied(t, fmt.Sprintf("as %q", media), a, 415, "unsupported_encoding")
		}
		for _, coding := range []string{"gzip", "deflate", "br", "zstd", "identity, gzip"} {
			a := e.draft()
			a.lines = []string{"Content-Encoding: " + coding}
			b.denied(t, coding, a, 415, "unsupported_encoding")
		}
		a := e.draft()
		a.target += "?model=" + e.forbidden
		b.denied(t, "a model in the query", a, 400, "invalid_request")
		a = e.draft()
		a.body = strings.Replace(e.body, e.allowed, e.forbidden, 1)
		b.denied(t, "another model", a, 403, "model_not_allowed")
		b.passesForm(t, e)
	}
}

// passesForm wants a form to arrive in the gateway's own words, with one model.
func (b *border) passesForm(t *testing.T, e endpoint) {
	t.Helper()
	r, body := b.passes(t, "as it is", e.draft())
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(params["boundary"], "keywicket-") {
		t.Fatalf("%s: the provider was sent %v", e.name, r.Header)
	}
	parts, names := multipart.NewReader(strings.NewReader(body), params["boundary"]), ""
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		value, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		names += fmt.Sprintf("%s=%q %s ", p.FormName(), value, p.Header.Get("Content-Type"))
	}
	want := fmt.Sprintf("model=%q  ", e.allowed)
	if !strings.HasPrefix(names, want) || !strings.Contains(names, `="RIFF\x00\xff" application/octet-stream `) || strings.Count(names, "model") != 1 {
		t.Errorf("%s: the provider was sent %s", e.name, names)
	}
}
