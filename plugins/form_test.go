package plugins

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

func formHeader(boundary string) http.Header {
	return http.Header{"Content-Type": {"multipart/form-data; boundary=" + boundary}}
}

func readForm(text string) (*Form, error) {
	return ReadForm(formHeader("b"), io.NewSectionReader(strings.NewReader(text), 0, int64(len(text))), "model")
}

const (
	fileFirst = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n\r\n-bytes\x00\xff--b\r\n\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n"
	field = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n"
)

func TestReadForm(t *testing.T) {
	t.Parallel()
	f, err := readForm(fileFirst)
	if err != nil {
		t.Fatal(err)
	}
	if model, ok, err := f.Value("model"); model != "whisper-1" || !ok || err != nil {
		t.Errorf("model is %q, %v, %v", model, ok, err)
	}
	if _, _, err := f.Value("file"); err == nil {
		t.Error("a file was read as a field")
	}
	file := f.Parts[0]
	if got := fileFirst[file.From : file.From+file.Size]; got != "\r\n-bytes\x00\xff--b\r\n" || file.Type != "audio/mpeg" || file.FileName != "a.mp3" {
		t.Errorf("the file is %q, %+v", got, file)
	}
}

func TestReadFormRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                  "",
		"no last delimiter":        field,
		"half a delimiter":         field + "--",
		"preamble":                 "x\r\n" + field + "--b--\r\n",
		"blank preamble":           "\r\n" + field + "--b--\r\n",
		"epilogue":                 field + "--b--\r\nx",
		"second form":              field + "--b--\r\n" + field + "--b--\r\n",
		"space after a delimiter":  strings.Replace(field, "--b\r\n", "--b \r\n", 1) + "--b--\r\n",
		"longer delimiter":         field[:len(field)-2] + "\r\n--bb\r\nx\r\n--b--\r\n",
		"content like a delimiter": strings.Replace(field, "whisper-1", "--b", 1) + "--b--\r\n",
		"a delimiter at once":      strings.Replace(field, "whisper-1\r\n", "", 1) + "--b--\r\n",
		"bare line feeds":          strings.ReplaceAll(field, "\r\n", "\n") + "--b--\n",
		"two models":               field + field + "--b--\r\n",
		"a second model as Model":  field + strings.Replace(field, "model", "Model", 1) + "--b--\r\n",
		"a second model as mo-del": field + strings.Replace(field, "model", "mo-del", 1) + "--b--\r\n",
		"escaped name":             strings.Replace(field, "model", `mo\"del`, 1) + "--b--\r\n",
		"unquoted name":            strings.Replace(field, `"model"`, `model`, 1) + "--b--\r\n",
		"extended name":            strings.Replace(field, `name="model"`, `name="x"; name*=utf-8''model`, 1) + "--b--\r\n",
		"extended file name":       strings.Replace(field, `"model"`, `"model"; filename*=utf-8''x`, 1) + "--b--\r\n",
		"two names":                strings.Replace(field, `"model"`, `"model"; name="x"`, 1) + "--b--\r\n",
		"no name":                  strings.Replace(field, `; name="model"`, ``, 1) + "--b--\r\n",
		"empty name":               strings.Replace(field, `"model"`, `""`, 1) + "--b--\r\n",
		"another disposition":      strings.Replace(field, "form-data", "attachment", 1) + "--b--\r\n",
		"two dispositions":         strings.Replace(field, "\r\n\r\n", "\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n", 1) + "--b--\r\n",
		"transfer encoding":        strings.Replace(field, "\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1) + "--b--\r\n",
		"folded header":            strings.Replace(field, "form-data;", "form-data;\r\n", 1) + "--b--\r\n",
		"header of a megabyte":     strings.Replace(field, "model", strings.Repeat("m", 1<<20), 1) + "--b--\r\n",
		"invalid UTF-8":            strings.Replace(field, "whisper", "\xff", 1) + "--b--\r\n",
		"long field":               strings.Replace(field, "whisper", strings.Repeat("w", MaxFieldBytes+1), 1) + "--b--\r\n",
		"many parts":               strings.Repeat(strings.Replace(field, "model", "x[]", 1), MaxFormParts+1) + "--b--\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if f, err := readForm(text); err == nil {
				t.Errorf("read as %+v", f)
			} else if _, ok := err.(*Error); !ok {
				t.Errorf("got %T, want an *Error", err)
			}
		})
	}
	for _, media := range []string{"", "multipart/form-data", "multipart/mixed; boundary=b", "multipart/form-data; boundary=\"b c\"", "multipart/form-data; boundary=b; charset=x", "application/json"} {
		if _, err := ReadForm(http.Header{"Content-Type": {media}}, io.NewSectionReader(strings.NewReader(""), 0, 0)); err == nil {
			t.Errorf("content type %q was accepted", media)
		}
	}
}

// What another reader finds in the form that is sent must be what this one found
// in the form that came.
func TestPiecesSayTheSame(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var sent bytes.Buffer
		w := multipart.NewWriter(&sent)
		var want []string
		for i := range random.IntN(6) {
			content := make([]byte, random.IntN(3)*random.IntN(100_000))
			for j := range content {
				content[j] = "\r\n-b\x00\xfe"[random.IntN(6)]
			}
			if random.IntN(2) == 0 {
				content = bytes.ToValidUTF8(content[:min(len(content), 1000)], nil)
				_ = w.WriteField(fmt.Sprintf("f%d", i), string(content))
			} else {
				part, _ := w.CreateFormFile(fmt.Sprintf("f%d", i), "ä.png")
				_, _ = part.Write(content)
			}
			want = append(want, fmt.Sprintf("f%d=%x", i, content))
		}
		_ = w.Close()
		if len(want) == 0 {
			continue
		}
		h := http.Header{"Content-Type": {w.FormDataContentType()}}
		upload := io.NewSectionReader(bytes.NewReader(sent.Bytes()), 0, int64(sent.Len()))
		f, err := ReadForm(h, upload)
		if err != nil {
			t.Fatal(err)
		}
		call := &Call{}
		var media string
		call.Upload, media = f.Pieces()
		if got := otherReading(t, call, upload, media); strings.Join(got, "&") != strings.Join(want, "&") {
			t.Fatalf("sent %.200q, got %.200q", want, got)
		}
	}
}

func otherReading(t *testing.T, call *Call, upload io.ReaderAt, media string) (found []string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(media)
	if err != nil {
		t.Fatal(err)
	}
	body, size := call.OpenBody(upload)
	text, err := io.ReadAll(body)
	if err != nil || int64(len(text)) != size {
		t.Fatalf("%d bytes, announced as %d: %v", len(text), size, err)
	}
	r := multipart.NewReader(bytes.NewReader(text), params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, fmt.Sprintf("%s=%x", p.FormName(), content))
	}
}

// FuzzForm compares the reading with mime/multipart's: what is accepted here has
// the same parts there.
func FuzzForm(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		form, err := readForm(text)
		if err != nil {
			return
		}
		r := multipart.NewReader(strings.NewReader(text), "b")
		for _, p := range form.Parts {
			theirs, err := r.NextRawPart()
			if err != nil {
				t.Fatalf("%q: part %q is not there: %v", text, p.Name, err)
			}
			content, err := io.ReadAll(theirs)
			if err != nil || theirs.FormName() != p.Name || string(content) != text[p.From:p.From+p.Size] {
				t.Fatalf("%q: %q %q, there %q %q, %v", text, p.Name, text[p.From:p.From+p.Size], theirs.FormName(), content, err)
			}
		}
		if _, err := r.NextRawPart(); err != io.EOF {
			t.Fatalf("%q: there is more: %v", text, err)
		}
	})
}
