package all

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// provider is one that ships.
func provider(t testing.TB, id string) plugins.Provider {
	t.Helper()
	providers, err := Providers()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range providers {
		if p.Manifest().ID == id {
			return p
		}
	}
	t.Fatalf("no provider %s", id)
	return nil
}

// modelled are the endpoints with a model in a JSON body. inPath is the one in
// their path: the body then may name it once more, or none.
func modelled() []struct{ id, path, inPath string } {
	return []struct{ id, path, inPath string }{
		{"llm:openai", "/v1/chat/completions", ""}, {"llm:openai", "/responses", ""}, {"llm:openai", "/embeddings", ""}, {"llm:openai", "/images/generations", ""},
		{"llm:openai", "/audio/speech", ""}, {"llm:openai", "/moderations", ""}, {"llm:openrouter", "/chat/completions", ""}, {"llm:groq", "/chat/completions", ""},
		{"llm:anthropic", "/v1/messages", ""}, {"llm:anthropic", "/messages/count_tokens", ""},
		{"llm:gemini", "/v1beta/models/m:generateContent", "m"}, {"llm:gemini", "/models/m:streamGenerateContent", "m"}, {"llm:gemini", "/models/m:countTokens", "m"},
		{"llm:gemini", "/models/m:embedContent", "m"}, {"llm:gemini", "/models/m:batchEmbedContents", "m"},
	}
}

// reader reads bodies in Go and, where there is a node, in JavaScript.
type reader struct {
	providers map[string]plugins.Provider
	node      *json.Encoder // nil: there is none
	said      *bufio.Reader
	accepted  int // bodies
}

func newReader(t testing.TB) *reader {
	t.Helper()
	r := &reader{providers: map[string]plugins.Provider{}}
	for _, m := range modelled() {
		r.providers[m.id] = provider(t, m.id)
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Logf("half of this is skipped: nothing reads as JavaScript does: %v", err)
		return r
	}
	cmd := exec.Command("node", filepath.Join("testdata", "reader.mjs"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	r.node, r.said = json.NewEncoder(in), bufio.NewReader(out)
	return r
}

// scriptValue is a value in JavaScript.
type scriptValue struct{ Type, Text string }

// scriptReading is what JavaScript makes of a body.
type scriptReading struct {
	Read            bool
	Problem         string
	Strict, Lenient []*scriptValue
	Names           []string
}

// inScript reads a body in JavaScript; false where there is none.
func (r *reader) inScript(t testing.TB, media string, body []byte) (got scriptReading, ok bool) {
	t.Helper()
	if r.node == nil {
		return got, false
	}
	if err := r.node.Encode(map[string]string{"type": media, "body": base64.StdEncoding.EncodeToString(body)}); err != nil {
		t.Fatal(err)
	}
	line, err := r.said.ReadBytes('\n')
	if err != nil {
		t.Fatalf("node said nothing: %v", err)
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	return got, true
}

// body holds what each endpoint takes a body for against what servers do.
func (r *reader) body(t testing.TB, body []byte) {
	t.Helper()
	for _, m := range modelled() {
		call, err := r.providers[m.id].Describe(plugins.Request{
			Method: http.MethodPost, Path: m.path, Header: http.Header{"Content-Type": {"application/json"}}, Body: bytes.Clone(body),
		})
		if refused := (*plugins.Error)(nil); err != nil && !errors.As(err, &refused) {
			t.Fatalf("%s %q: %v", m.path, body, err)
		}
		if err != nil {
			continue
		}
		r.accepted++
		want := call.Facts.Model
		if m.inPath != "" && want != m.inPath {
			t.Fatalf("%s %q: the policy saw the model %q", m.path, body, want)
		}
		same := func(where, model string) {
			if model != want && (m.inPath == "" || model != "" && model != "models/"+want) {
				t.Fatalf("%s %q: the policy saw the model %q, %s %q", m.path, body, want, where, model)
			}
		}
		for _, text := range [][]byte{body, call.Body} {
			for _, model := range goModels(t, text) {
				same("Go", model)
			}
			script, ok := r.inScript(t, "application/json", text)
			if !ok {
				continue
			}
			if !script.Read || len(script.Strict) == 0 || len(script.Strict) != len(script.Lenient) {
				t.Fatalf("%s %q: in JavaScript that is nothing: %s", m.path, text, script.Problem)
			}
			for i, v := range script.Strict {
				if v != nil && v.Type == "string" {
					same("JavaScript", v.Text)
				} else if v != nil && v.Type != "object" || want != m.inPath && i == 0 { // an object is null
					t.Fatalf("%s %q: the policy saw the model %q, JavaScript %+v", m.path, text, want, v)
				}
				if l := script.Lenient[i]; (l == nil) != (v == nil) || l != nil && *l != *v {
					t.Fatalf("%s %q: JavaScript sees %+v or %+v", m.path, text, v, l)
				}
			}
		}
	}
}

// goModels are the models encoding/json finds: the last of those whose names
// differ in case, and none that is taken for one by its letters.
func goModels(t testing.TB, body []byte) []string {
	t.Helper()
	type named struct {
		Model string `json:"model"`
	}
	var (
		seen struct {
			named
			Requests []named `json:"requests"`
			Inner    named   `json:"generateContentRequest"`
		}
		all map[string]any
	)
	if err := json.Unmarshal(body, &seen); err != nil {
		t.Fatalf("%q: Go cannot read it: %v", body, err)
	}
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatalf("%q: Go cannot read it: %v", body, err)
	}
	for name := range all {
		if name != "model" && plugins.Mistakable(name, "model") {
			t.Fatalf("%q: a second model as %q", body, name)
		}
	}
	models := []string{seen.Model}
	for _, r := range append(seen.Requests, seen.Inner) {
		if r.Model != "" {
			models = append(models, r.Model)
		}
	}
	return models
}

// form holds what the dialect takes a form for against what servers do.
func (r *reader) form(t testing.TB, body []byte) {
	t.Helper()
	for _, path := range []string{"/audio/transcriptions", "/audio/translations", "/images/edits"} {
		const media = "multipart/form-data; boundary=b"
		upload := io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body)))
		call, err := r.providers["llm:openai"].Describe(plugins.Request{
			Method: http.MethodPost, Path: path, Header: http.Header{"Content-Type": {media}}, Upload: upload,
		})
		if err != nil {
			continue
		}
		r.accepted++
		content, _ := call.OpenBody(upload)
		sent, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		r.sameForm(t, path, call.Header.Get("Content-Type"), sent, call.Facts.Model)
		r.sameForm(t, path, media, body, call.Facts.Model)
	}
}

// sameForm reads a form with mime/multipart and in JavaScript.
func (r *reader) sameForm(t testing.TB, path, media string, body []byte, want string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(media)
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatalf("%s %q: Go cannot read it: %v", path, body, err)
	}
	if got := strings.Join(form.Value["model"], "\x00"); got != want || len(form.File["model"]) > 0 {
		t.Fatalf("%s %q: the policy saw the model %q, Go %q", path, body, want, got)
	}
	for name := range form.Value {
		if name != "model" && plugins.Mistakable(name, "model") {
			t.Fatalf("%s %q: a second model as %q", path, body, name)
		}
	}
	script, ok := r.inScript(t, media, body)
	if !ok {
		return
	}
	if !script.Read {
		if strings.HasPrefix(params["boundary"], "keywicket-") {
			t.Fatalf("%s %q: in JavaScript that is no form: %s", path, body, script.Problem)
		}
		return // it reads fewer forms, and this is not the one that is sent
	}
	got := ""
	for i, v := range script.Strict {
		if v.Type != "string" || i > 0 {
			t.Fatalf("%s %q: the policy saw the model %q, JavaScript %+v", path, body, want, script.Strict)
		}
		got = v.Text
	}
	if got != want {
		t.Fatalf("%s %q: the policy saw the model %q, JavaScript %q", path, body, want, got)
	}
}

// FuzzReading holds our reading of arbitrary bodies against that of other
// servers: whenever one is accepted, all read the same model.
func FuzzReading(f *testing.F) {
	r := newReader(f)
	f.Fuzz(func(t *testing.T, body []byte) { r.body(t, body) })
}

// FuzzFormReading is the same for forms.
func FuzzFormReading(f *testing.F) {
	r := newReader(f)
	f.Fuzz(func(t *testing.T, body []byte) { r.form(t, body) })
}

// Thousands of bodies, made of the seeds and of what is between them, are read
// alike by everybody.
func TestReadings(t *testing.T) {
	t.Parallel()
	for target, row := range map[string]struct {
		read        func(*reader, testing.TB, []byte)
		bits        []string
		n, accepted int
	}{
		"FuzzReading":     {(*reader).body, bodyBits(), 6000, 1500},
		"FuzzFormReading": {(*reader).form, formBits(), 4000, 500},
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			seeds := seedsOf(t, target)
			r, random := newReader(t), rand.New(rand.NewPCG(11, 29))
			var good [][]byte
			for _, seed := range seeds {
				before := r.accepted
				if row.read(r, t, seed); r.accepted > before {
					good = append(good, seed)
				}
			}
			for n := range row.n {
				from := good
				if n%4 == 0 {
					from = seeds
				}
				row.read(r, t, mutate(random, from, row.bits))
			}
			if r.accepted < row.accepted {
				t.Errorf("only %d readings were accepted: this shows nothing", r.accepted)
			}
			t.Logf("%d readings were accepted", r.accepted)
		})
	}
}

// seedsOf are the committed seeds of a target; without them it would pass by
// testing little.
func seedsOf(t *testing.T, target string) (seeds [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "fuzz", target, "*"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%s has %d seeds, want at least 20 (%v)", target, len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, quoted, ok := strings.Cut(strings.TrimSpace(string(text)), "\n[]byte(")
		seed, err := strconv.Unquote(strings.TrimSuffix(quoted, ")"))
		if !ok || err != nil {
			t.Fatalf("%s is no seed: %v", file, err)
		}
		seeds = append(seeds, []byte(seed))
	}
	return seeds
}

// mutate cuts, doubles, swaps and mixes what is between the marks of a seed, and
// puts in what matters.
func mutate(random *rand.Rand, seeds [][]byte, bits []string) []byte {
	body := bytes.Clone(seeds[random.IntN(len(seeds))])
	for range 1 + random.IntN(2) {
		at := random.IntN(len(body) + 1)
		switch random.IntN(9) {
		case 0, 1, 2, 7, 8: // where a member or a part may stand
			bit := bits[1+random.IntN(len(bits)-1)]
			if random.IntN(2) == 0 {
				bit = bits[1+random.IntN(11)] // one that may well stand there
			}
			mark := bits[0]
			if i := bytes.Index(body[at:], []byte(mark)); i >= 0 {
				at += i
			} else if i := bytes.Index(body, []byte(mark)); i >= 0 {
				at = i
			}
			body = append(body[:at:at], append([]byte(bit), body[at:]...)...)
		case 3:
			bit := bits[random.IntN(len(bits))]
			body = append(body[:at:at], append([]byte(bit), body[at:]...)...)
		case 4:
			if len(body) > at {
				body[at] ^= 1 << random.IntN(8)
			}
		case 5:
			to := min(len(body), at+random.IntN(12))
			body = append(body[:at:at], body[to:]...)
		case 6:
			other := seeds[random.IntN(len(seeds))]
			cut := random.IntN(len(other) + 1)
			body = append(body[:at:at], other[cut:min(len(other), cut+random.IntN(40))]...)
			body = append(body, seeds[0][min(at, len(seeds[0])):]...)
		}
	}
	return body
}

// bodyBits are pieces of JSON; the first is where members begin.
func bodyBits() []string {
	return []string{
		`,"`, `,"user":"x"`, `,"metadata":{"model":"x"}`, `,"stream":true`, `,"temperature":1e0`, `,"max_tokens":1`, `,"n":1`, `,"seed":1`, `,"top_p":0.1E-1`, `,"stop":null`, `,"title":"model"`, ` `,
		`,"model":"y"`, `,"Model":"y"`, `,"MODEL":null`, `,"mod\u0065l":"y"`, `,"model ":"y"`, `,"mo_del":"y"`, `,"mode\u006c":"y"`, `,"metadata":{"a":[1,{"model":"x"}]}`, `,"input":"x"`,
		"\n", "\t", "\r", "\ufeff", "\x00", "\v", "/**/", `\u0000`, `\ud800`, `\udc00`, `\ud83d\ude00`, "é", "😀", "\xff", "\xc3", "\u2028", `"`, `\"`, `{`, `}`, `[`, `]`, `,`, `:`, `null`, `"model"`, `'`, `\`, `0`, `-`,
		`"model":"z",`, `"models/m"`, `"__proto__":{"model":"y"},`, `"model":"models/m",`, `"requests":[{"model":"models/m","content":{"parts":[{"text":"x"}]}}],`, `,"requests":[{"model":"m2"}]`, `,"generateContentRequest":{"model":"m2"}`,
	}
}

// formBits are pieces of forms; the first is where parts begin.
func formBits() []string {
	part := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + value + "\r\n"
	}
	return []string{
		"--b\r\n", part(`"prompt"`, "x"), part(`"language"`, "en"), part(`"temperature"`, "0"), part(`"response_format"`, "json"), part(`"timestamp_granularities[]"`, "word"), part(`"model"`, "y"), part(`"Model"`, "y"), part(`model`, "y"),
		part(`"model"; filename="x"`, "y"), part(`"mod%65l"`, "y"), part(`"user"`, "model"), part(`"stream"`, "true"), part(`"stream"`, "false"), part(`"prompt"`, "--b"), part(`"prompt"`, "\r\n--bb\r\n"), part(`"prompt"`, "é😀"),
		part(`"file"; filename="model"`, "name=\"model\""), part(`"prompt"`, "Content-Disposition: form-data; name=\"model\"\r\n\r\nz"), "Content-Type: text/plain\r\n", "Content-Length: 1\r\n", "content-disposition: form-data; name=\"model\"\r\n",
		"\r\n", "\n", "\r", "--b", "--b--", "--b--\r\n", "--", " ", "\t", "\x00", "\xff", "\ufeff", `"`, `\"`, ";", "; filename=\"a\"", "; name*=utf-8''model", "=", ":", "%22", "model", "é",
	}
}
