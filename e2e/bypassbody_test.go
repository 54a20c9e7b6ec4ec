package e2e_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
)

// leftOut is the disguise that is well-formed everywhere, and that some actions
// let pass where any model will do.
const leftOut = "left out"

// disguise is a body that one reader takes for another request than the next.
type disguise struct{ what, body string }

// namings write a member's name so that some reader takes it for the name.
func namings(name string) []string {
	escaped := func(i int) string { return name[:i] + fmt.Sprintf(`\u%04x`, name[i]) + name[i+1:] }
	names := []string{
		strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], name[:1] + strings.ToUpper(name[1:]),
		name[:len(name)-1] + strings.ToUpper(name[len(name)-1:]),
		" " + name, name + " ", name + `\u0000`, `\ufeff` + name, name + `\t`, "_" + name, name + "_", name[:2] + "-" + name[2:], name + `\u200b`,
		strings.ToUpper(escaped(0)[6:]),
	}
	for i := range name {
		names = append(names, escaped(i))
	}
	return names
}

// disguises of a body: of its member that decides, and of the whole.
func disguises(e endpoint) (all []disguise) {
	add := func(what, body string) { all = append(all, disguise{what, body}) }
	m := e.member
	inside, rest := strings.TrimSuffix(e.body, "}"), strings.TrimPrefix(e.body, "{")
	member := fmt.Sprintf("%q:%s", m, e.allowed)
	without := strings.Replace(e.body, member+",", "", 1)
	add("the member twice", inside+fmt.Sprintf(",%q:%s}", m, e.forbidden))
	add("the member twice, the other first", fmt.Sprintf("{%q:%s,", m, e.forbidden)+rest)
	add("the member twice, the same", inside+","+member+"}")
	for _, name := range namings(m) {
		add("again as "+name, inside+fmt.Sprintf(`,"%s":%s}`, name, e.forbidden))
		add("before as "+name, fmt.Sprintf(`{"%s":%s,`, name, e.forbidden)+rest)
		add("only as "+name, strings.Replace(e.body, `"`+m+`":`, `"`+name+`":`, 1))
	}
	for _, value := range []string{
		`7`, `true`, `[]`, "[" + e.forbidden + "]", "[" + e.allowed + "," + e.forbidden + "]", `{}`, `{"id":` + e.forbidden + `}`,
		e.allowed[:len(e.allowed)-1] + `\n"`, e.allowed[:len(e.allowed)-1] + `\u0000"`, e.allowed + e.forbidden, e.allowed + `/**/`, `'x'`, `NaN`, `01`, `-`, `\"x\"`,
		`"` + strings.Repeat("x", 5000) + `"`, `"\ud800"`, "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"a\nb\"",
	} {
		add("as "+value[:min(len(value), 40)], strings.Replace(e.body, e.allowed, value, 1))
	}
	if m == "model" { // an address may have space around it
		add("with a space", strings.Replace(e.body, e.allowed, e.allowed[:len(e.allowed)-1]+` "`, 1))
	}
	if !e.inPath {
		add("as null", strings.Replace(e.body, e.allowed, `null`, 1))
		add("empty", strings.Replace(e.body, e.allowed, `""`, 1))
		add(leftOut, without)
	}
	for i, name := range []string{
		"api_base", "apiBase", "api-base", "base_url", "baseUrl", "baseURL", "api_key", "apiKey", "api_version", "url", "endpoint", "host", "hostname", "proxy",
		"organization", "project", "deployment_id", "deployment", "engine", "model_id", "modelId", "model_name", "models", "model_list", "model_info", "fallbacks",
		"fallback_models", "route", "provider", "providers", "custom_llm_provider", "extra_body", "extra_headers", "extra_query", "headers_override", "litellm_params",
		"azure_endpoint", "azure_ad_token", "aws_region_name", "vertex_project", "vertex_location", "user_config", "transforms", "plugins", "mock_response",
		"x-api-key", "authorization", "__proto__", "constructor", "prototype", "$ref", "@type",
	} {
		value := []string{`"https://evil.example"`, `{"model":` + e.forbidden + `}`, "[" + e.forbidden + "]"}[i%3]
		add("with "+name, inside+fmt.Sprintf(`,%q:%s}`, name, value))
	}
	return append(all, texts(e.body, rest)...)
}

// texts are whole bodies that are not one plain JSON text.
func texts(body, rest string) (all []disguise) {
	add := func(what, text string) { all = append(all, disguise{what, text}) }
	add("nothing", "")
	add("space", " \r\n\t")
	add("byte order mark", "\ufeff"+body)
	for what, wide := range map[string]string{"UTF-16LE": "%s\x00", "UTF-16BE": "\x00%s", "UTF-32LE": "%s\x00\x00\x00", "UTF-32BE": "\x00\x00\x00%s"} {
		var plain strings.Builder
		for _, c := range body { // ASCII
			fmt.Fprintf(&plain, wide, string(c))
		}
		add(what, plain.String())
	}
	add("UTF-16 with mark", "\xff\xfe"+strings.Join(strings.Split(body, ""), "\x00")+"\x00")
	for _, tail := range []string{
		"{}", body, "\n" + body, ",", "]", "}", "\x00", "//", "/**/", "#", "x", "null", "\ufeff", "\xff", "\x1e" + body, ";", "\v", "\u00a0", "\u2028",
	} {
		add(fmt.Sprintf("%.9q behind", tail), body+tail)
		add(fmt.Sprintf("%.9q before", tail), tail+body)
	}
	for _, text := range []string{
		"[" + body + "]", "[[" + body + "]]", `"` + strings.ReplaceAll(body, `"`, `\"`) + `"`, "null", "true", "7", "[]", "'" + body + "'", "(" + body + ")", ")]}',\n" + body,
		"{" + strings.Replace(rest, `":`, `"=`, 1), "{" + strings.Replace(rest, `"`, "", 2), "{" + strings.Replace(rest, `"`, `'`, 2),
		strings.TrimSuffix(body, "}") + ",}", "{," + rest, strings.TrimSuffix(body, "}"), body[:len(body)/2], "{/**/" + rest, "{//\n" + rest, "{\v" + rest, "{\u00a0" + rest,
		"{\xff" + rest, strings.TrimSuffix(body, "}") + ",\"\xff\":1}", strings.TrimSuffix(body, "}") + ",\"user\":\"\xff\"}", strings.TrimSuffix(body, "}") + `,"user":"\ud800"}`,
		strings.TrimSuffix(body, "}") + `,"user":"\x41"}`, strings.TrimSuffix(body, "}") + `,"user":+1}`, strings.TrimSuffix(body, "}") + `,"user":.5}`, strings.TrimSuffix(body, "}") + `,"user":0x1}`,
		strings.TrimSuffix(body, "}") + `,"user":Infinity}`, strings.TrimSuffix(body, "}") + `,"user":undefined}`, strings.TrimSuffix(body, "}") + `,"metadata":{"a":"1","a":"2"}}`,
		strings.TrimSuffix(body, "}") + `,"metadata":{"a":"1","\u0061":"2"}}`, strings.TrimSuffix(body, "}") + `,"metadata":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}",
	} {
		add(fmt.Sprintf("%.30q…", text), text)
	}
	return all
}

// TestDisguisedBodies sends each endpoint bodies that two readers may read
// differently.
func TestDisguisedBodies(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range endpoints() {
		b.passes(t, "as it is", e.draft())
		all := disguises(e)
		if len(all) < 180 {
			t.Errorf("%s: only %d disguises", e.name, len(all))
		}
		for _, d := range all {
			a := e.draft()
			a.body = d.body
			if d.what == leftOut && e.optional {
				b.denied(t, d.what, a, 403, "model_not_allowed")
				continue
			}
			b.denied(t, d.what, a, 400, "invalid_request")
		}
		b.passes(t, "at last", e.draft())
	}
}

// TestModelOutsideOfBody names a second model in the query, or the only one.
func TestModelOutsideOfBody(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range endpoints() {
		if e.member != "model" {
			continue
		}
		model := strings.Trim(e.forbidden, `"`)
		for _, name := range []string{"model", "Model", "MODEL", "mod%65l", "%6dodel", "model%20", "+model", "mo-del", "m.o.d.e.l", "model%00", "model%5B%5D", "model[]", "_model"} {
			for _, query := range []string{name + "=" + model, "a=b&" + name + "=" + model, name, name + "=" + model + "&" + name + "=x"} {
				a := e.draft()
				a.target += "?" + query
				b.denied(t, "query "+query, a, 400, "invalid_request")
			}
		}
		for _, query := range []string{"%zz", "a=%", "a;model=" + model, "model=" + model + ";a", strings.Repeat("a=b&", 2000)} {
			a := e.draft()
			a.target += "?" + query
			b.denied(t, fmt.Sprintf("query %.20s", query), a, 400, "invalid_request")
		}
		plain, _ := b.passes(t, "without a query", e.draft())
		a := e.draft()
		a.target += "?api-version=1&beta=true&x=https://evil.example"
		if r, body := b.passes(t, "with a query of no importance", a); r.RequestURI != plain.RequestURI || body != e.body {
			t.Errorf("%s: the provider was asked for %s with %s", e.name, r.RequestURI, body)
		}
	}
}

// TestOtherModelIsDenied makes sure that the rows above are about the policy.
func TestOtherModelIsDenied(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range endpoints() {
		status, code := 403, "model_not_allowed"
		if e.inPath {
			status, code = 400, "invalid_request" // not the path's
		}
		if e.member == "from" {
			code = "recipient_not_allowed"
		}
		a := e.draft()
		a.body = strings.Replace(e.body, e.allowed, e.forbidden, 1)
		b.denied(t, "another "+e.member, a, status, code)
		if e.inPath {
			a = e.draft()
			a.target = strings.Replace(e.path, strings.Trim(strings.TrimPrefix(e.allowed, `"models/`), `"`), "gemini-2.5-pro", 1)
			a.body = strings.Replace(e.body, e.allowed, e.forbidden, 1)
			b.denied(t, "another model in path and body", a, 403, "model_not_allowed")
		}
	}
}

// TestEncodedBodies sends bodies in other codings and under other types.
func TestEncodedBodies(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range endpoints() {
		for what, body := range map[string]string{"gzip": zipped(t, e.body), "deflate": deflated(t, e.body), "plain": e.body} {
			for _, coding := range []string{
				"gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "compress", "snappy", "identity, gzip", "gzip, identity", "gzip,gzip", "identity;gzip", "none", "aes128gcm", " gzip", "*",
			} {
				a := e.draft()
				a.body, a.lines = body, []string{"Content-Encoding: " + coding}
				b.denied(t, what+" as "+coding, a, 415, "unsupported_encoding")
			}
		}
		for _, lines := range [][]string{
			{"Content-Encoding: identity", "Content-Encoding: gzip"}, {"content-encoding: gzip", "Content-Encoding: identity"}, {"CONTENT-ENCODING: br"},
		} {
			a := e.draft()
			a.lines = lines
			b.denied(t, strings.Join(lines, " and "), a, 415, "unsupported_encoding")
		}
		a := e.draft()
		a.body = zipped(t, e.body)
		b.denied(t, "gzip that says nothing", a, 400, "invalid_request")
		for _, media := range [][]string{
			{}, {""}, {"text/plain"}, {"application/x-www-form-urlencoded"}, {"multipart/form-data; boundary=x"}, {"application/json; charset=utf-16"}, {"application/json; charset=utf-7"},
			{"application/json; charset=iso-8859-1"}, {"application/json, text/plain"}, {"application/json", "application/json"}, {"application/json", "text/plain"}, {"application/jsonl"},
			{"application/json5"}, {"application/problem+json"}, {"text/json"}, {"application/json;;;="}, {"application/json; charset=utf-8; charset=utf-16"}, {"application/octet-stream"},
		} {
			a := e.draft()
			a.media = media
			b.denied(t, fmt.Sprintf("as %q", media), a, 415, "unsupported_encoding")
		}
		for _, media := range []string{"application/json;charset=utf-8", "Application/JSON; charset=UTF-8", `application/json; charset="utf-8"`} {
			a := e.draft()
			a.media, a.lines = []string{media}, []string{"Content-Encoding: identity"}
			r, body := b.passes(t, "as "+media, a)
			if r.Header.Get("Content-Type") != plainJSON || r.Header.Get("Content-Encoding") != "" || body != e.body {
				t.Errorf("%s: the provider was sent %v %s", e.name, r.Header, body)
			}
		}
	}
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func deflated(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
