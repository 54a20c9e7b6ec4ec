package proxy

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

const transcribePath = "/r/llm/openai/v1/audio/transcriptions"

// recording is a form with a recording of n bytes; the model is named behind it.
func recording(n int) (body []byte, contentType string) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	file, _ := form.CreateFormFile("file", "talk.mp3")
	_, _ = file.Write(bytes.Repeat([]byte("sound "), n/6))
	_ = form.WriteField("model", "gpt-4o-mini-transcribe")
	_ = form.Close()
	return b.Bytes(), form.FormDataContentType()
}

func (a *app) upload(body []byte, contentType string) *http.Request {
	a.Helper()
	r := a.request("POST", transcribePath, string(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// transcribes answers with the sum of the recording that came.
func transcribes(w http.ResponseWriter, r *http.Request) {
	file, _, err := r.FormFile("file")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil || r.FormValue("model") != "gpt-4o-mini-transcribe" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"text":"%d %x","usage":{"type":"tokens","input_tokens":10,"output_tokens":2,"total_tokens":12}}`, n, sum.Sum(nil)[:4])
}

func heard(n int) string {
	n -= n % 6
	sum := sha256.Sum256(bytes.Repeat([]byte("sound "), n/6))
	return fmt.Sprintf("%d %x", n, sum[:4])
}

// An upload reaches the provider whole, from the disk, by the proof that is
// bound to it, and again when the first key fails.
func TestUploads(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	body, kind := recording(size)
	dir := t.TempDir()
	tried := 0
	b := newBench(t, with(func(c *Config) { c.SpoolDir, c.MaxBodyBytes = dir, 1<<20 }), behind(func(w http.ResponseWriter, r *http.Request) {
		if tried++; tried == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		transcribes(w, r)
	}))
	b.storeKey(resource, "again", b.upstreamURL, canary, vault.Arrangement{Rank: 1})
	a := limitedApp(b)
	wants(t, b.do(a.upload(body, kind)), heard(size))
	if used, held := a.used(); used != 1 || held != 0 || tried != 2 {
		t.Errorf("used %d, held %d, tried %d times", used, held, tried)
	}
	b.eventually("the disk has its room again", func() bool { return b.proxy.disk.held() == 0 })
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}

	bent := a.upload(body, kind)
	other := bytes.Replace(body, []byte("sound"), []byte("noise"), 1)
	bent.Body, bent.ContentLength = io.NopCloser(bytes.NewReader(other)), int64(len(other))
	if got := b.do(bent); got.status != 401 || got.code() != "invalid_dpop_proof" || tried != 2 {
		t.Errorf("another body: %d %s", got.status, got.body)
	}
}

func TestUploadsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, behind(transcribes), with(func(c *Config) { c.MaxUploadBytes, c.MaxSpoolBytes = 1<<20, 1<<20 }))
	a := b.pair(anything())
	for name, row := range map[string]struct {
		size    int
		chunked bool
	}{"announced": {2 << 20, false}, "not announced": {2 << 20, true}} {
		body, kind := recording(row.size)
		r := a.upload(body, kind)
		if row.chunked {
			r.ContentLength, r.Body = -1, io.NopCloser(bytes.NewReader(body))
		}
		res, err := b.client().Do(r)
		if err != nil { // refused while it was still being sent
			if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "broken pipe") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if _ = res.Body.Close(); res.StatusCode != 413 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	b.must(func() error {
		if !b.proxy.disk.claim("somebody", 1<<20-100) {
			return errors.New("no room at first")
		}
		return nil
	}())
	body, kind := recording(300_000)
	if got := b.do(a.upload(body, kind)); got.status != 429 || got.code() != "concurrency_limited" {
		t.Errorf("%d: %s", got.status, got.body)
	}
	b.proxy.disk.release("somebody", 1<<20-100)
	if b.reached() != 0 {
		t.Errorf("the provider was asked %d times", b.reached())
	}
	wants(t, b.do(a.upload(body, kind)), heard(300_000))
}

// Of an upload that its app may not send nothing is waited for, and of one that
// turns out to be too large no more than it may have.
func TestUploadsThatAreNotGranted(t *testing.T) {
	t.Parallel()
	b := newBench(t, behind(transcribes))
	none, small := policy.Document{Resource: "llm:other"}, policy.Document{Resource: resource, MaxBodyBytes: 1000}
	// The server itself reads the first 256 KiB before it sends a refusal, where no more is announced.
	const announced = "Content-Length: 1000000\r\n\r\n"
	chunked := "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + strings.Repeat("x", 300_000)
	for name, row := range map[string]struct {
		granted policy.Document
		sent    string // after the other headers
		status  string
		code    string
	}{
		"not granted":             {none, announced, " 403 ", policy.CodeResourceNotGranted},
		"not granted, in chunks":  {none, chunked, " 403 ", policy.CodeResourceNotGranted},
		"too large":               {small, announced, " 413 ", "1000 bytes"},
		"too large, not foretold": {small, chunked, " 413 ", "1000 bytes"},
	} {
		for _, bound := range []string{"", dpop.BodyHash(sha256.Sum256(nil))} {
			t.Run(name+map[bool]string{true: ", bound"}[bound != ""], func(t *testing.T) {
				a := b.pair(row.granted)
				proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: b.url + transcribePath, AccessToken: a.token, BodyHash: bound}, b.clock.now())
				b.must(err)
				conn, err := net.Dial("tcp", b.url[len("http://"):])
				b.must(err)
				defer conn.Close()
				_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
				fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nAuthorization: DPoP %s\r\nDPoP: %s\r\n%s",
					transcribePath, a.token, proof, row.sent)
				answer := make([]byte, 4<<10)
				n, err := conn.Read(answer)
				if text := string(answer[:n]); err != nil || !strings.Contains(text[:min(20, n)], row.status) || !strings.Contains(text, row.code) {
					t.Errorf("%v: %s", err, text)
				}
			})
		}
	}
	b.eventually("the disk has its room again", func() bool { return b.proxy.disk.held() == 0 })
	if b.reached() != 0 {
		t.Errorf("the provider was asked %d times", b.reached())
	}
}

// One app takes a quarter of the disk's room at most, and all the same one upload.
func TestUploadsOfOneApp(t *testing.T) {
	t.Parallel()
	for upload, want := range map[int64]int64{100: 1000, 3000: 3000} {
		b := newBench(t, with(func(c *Config) { c.MaxUploadBytes, c.MaxSpoolBytes = upload, 4000 }))
		if disk := b.proxy.disk; disk.claim("one", want+1) || !disk.claim("one", want) || !disk.claim("other", min(want, 4000-want)) {
			t.Errorf("with uploads of %d bytes, an app has not %d", upload, want)
		}
	}
}

// Half an upload is none.
func TestAnUploadThatBreaksOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, behind(transcribes))
	a := b.pair(anything())
	body, kind := recording(300_000)
	conn, err := net.Dial("tcp", b.url[len("http://"):])
	b.must(err)
	proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: b.url + transcribePath, AccessToken: a.token}, b.clock.now())
	b.must(err)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\nAuthorization: DPoP %s\r\nDPoP: %s\r\n\r\n",
		transcribePath, kind, len(body)+10, a.token, proof)
	_, err = conn.Write(body)
	b.must(err)
	b.must(conn.(*net.TCPConn).CloseWrite())
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	answer, _ := io.ReadAll(conn)
	_ = conn.Close()
	if !bytes.Contains(answer, []byte(" 400 ")) || b.reached() != 0 {
		t.Errorf("reached %d: %s", b.reached(), answer)
	}
	b.eventually("the request is over", func() bool { return b.proxy.Running() == 0 && b.proxy.disk.held() == 0 })
}

// However large it is, little of it is in memory.
func TestUploadsAreNotHeldInMemory(t *testing.T) {
	const size = 48 << 20
	most := make(chan uint64, 1)
	b := newBench(t, with(func(c *Config) { c.Timeouts.Upload = time.Minute }))
	b.must(b.vault.RemoveCredential(b.keyID))
	b.addKey(resource, "own", vault.Arrangement{}, func(w http.ResponseWriter, r *http.Request) {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		most <- m.HeapAlloc
		served("heard")(w, r)
	})
	a := b.pair(anything())
	head := "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o-mini-transcribe\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n"
	tail := "\r\n--x--\r\n"
	r := a.request("POST", transcribePath, "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(head), io.LimitReader(endless{}, size), strings.NewReader(tail)))
	r.ContentLength = int64(len(head) + size + len(tail))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	if got := b.do(r); got.status != 200 {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	if n := <-most; n > size {
		t.Errorf("%d bytes are in memory, with an upload of %d", n, size)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 's'
	}
	return len(p), nil
}
