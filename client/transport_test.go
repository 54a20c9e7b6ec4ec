package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keywicket/keywicket/client"
)

// recorder counts what leaves the transport, and remembers the last of it.
type recorder struct {
	base http.RoundTripper
	mu   sync.Mutex
	sent []*http.Request
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.sent = append(r.sent, request)
	r.mu.Unlock()
	return r.base.RoundTrip(request)
}

func recording(c *client.Connection) (*recorder, *http.Client) {
	r := &recorder{base: http.DefaultTransport}
	return r, &http.Client{Transport: &client.Transport{Connection: c, Base: r}}
}

func TestSignsOnlyForTheGateway(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	sent, web := recording(c)
	host := strings.TrimPrefix(g.issuer, "http://")
	for _, url := range []string{
		"https://api.openai.com/v1/models", "https://" + host + "/r/llm/openai/v1/models", "http://" + host + "1/r/",
		"http://127.0.0.1/r/", "http://localhost:1/r/", "http://127.0.0.1.example/r/", "http://user:pass@" + host + "/r/",
		"http://" + host + "@other.example/r/",
	} {
		body := &closing{Reader: strings.NewReader("secret prompt")}
		request, err := http.NewRequest(http.MethodPost, url, body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := web.Do(request); !errors.Is(err, client.ErrForeignOrigin) {
			t.Errorf("%s: %v, want ErrForeignOrigin", url, err)
		}
		if !body.closed.Load() {
			t.Errorf("%s: body left open", url)
		}
	}
	opaque := httptest.NewRequest(http.MethodGet, g.issuer+"/r/", nil)
	opaque.RequestURI, opaque.URL.Opaque = "", "//other.example/r/"
	if _, err := web.Do(opaque); !errors.Is(err, client.ErrForeignOrigin) {
		t.Errorf("opaque URL: %v, want ErrForeignOrigin", err)
	}
	if len(sent.sent) != 0 {
		t.Errorf("%d requests were sent", len(sent.sent))
	}
	response, err := web.Get("HTTP://" + strings.ToUpper(host) + "/r/llm/openai/v1/models")
	if err != nil || response.StatusCode != 200 {
		t.Errorf("the gateway in upper case: %v %v", response, err)
	}
}

type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error { c.closed.Store(true); return nil }

func TestRedirectElsewhereIsNotFollowed(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	t.Cleanup(other.Close)
	g := newGateway(t)
	c := paired(t, g)
	for _, status := range []int{301, 302, 303, 307, 308} {
		g.upstream = func(w http.ResponseWriter, r *http.Request, _ []byte) { http.Redirect(w, r, other.URL, status) }
		_, err := c.HTTPClient().Post(g.issuer+"/r/llm/openai/v1/x", "text/plain", strings.NewReader("prompt"))
		if !errors.Is(err, client.ErrForeignOrigin) {
			t.Errorf("%d: %v, want ErrForeignOrigin", status, err)
		}
	}
	if seen.Load() != 0 {
		t.Errorf("the other server was called %d times", seen.Load())
	}
	g.upstream = func(w http.ResponseWriter, r *http.Request, body []byte) {
		if r.URL.Path == "/r/a" {
			http.Redirect(w, r, "/r/b?c=d", http.StatusTemporaryRedirect)
			return
		}
		_, _ = w.Write(body)
	}
	response, err := c.HTTPClient().Post(g.issuer+"/r/a", "text/plain", strings.NewReader("prompt"))
	if err != nil || response.StatusCode != 200 {
		t.Errorf("a redirect within the gateway: %v %v", response, err)
	}
}

func TestCredentialsOfSDKsAreTakenOff(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	sent, web := recording(c)
	request, err := http.NewRequest(http.MethodPost, c.BaseURL("llm:openai")+"/x?q=1", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Authorization", "X-Api-Key", "X-Goog-Api-Key", "Api-Key", "DPoP", "Proxy-Authorization"} {
		request.Header.Set(name, "sk-by-mistake")
	}
	request.Header.Set("X-Stainless-Lang", "go")
	request.Host = "other.example"
	before := request.Header.Clone()
	response, err := web.Do(request)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%v %v", response, err)
	}
	out := sent.sent[0]
	if text := fmt.Sprint(out.Header); strings.Contains(text, "sk-by-mistake") || out.Header.Get("X-Stainless-Lang") != "go" {
		t.Errorf("sent %s", text)
	}
	if out.Host != "" && out.Host != out.URL.Host {
		t.Errorf("sent to host %s", out.Host)
	}
	if fmt.Sprint(request.Header) != fmt.Sprint(before) {
		t.Error("the caller's request was changed")
	}
	if response.Request.Header.Get("DPoP") != "sk-by-mistake" {
		t.Error("the answer refers to the signed request, whose token callers might print")
	}
}

func TestBodiesAreBoundAndSentWhole(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	big := strings.Repeat("x", 3<<20)
	for name, body := range map[string]io.Reader{
		"none": nil, "empty": http.NoBody, "empty reader": strings.NewReader(""), "known length": strings.NewReader("abc"),
		"stream": io.MultiReader(strings.NewReader("a"), strings.NewReader("b")), "big": bytes.NewBufferString(big),
	} {
		for round := range 2 { // the second needs the body twice
			if round == 1 {
				g.expireTokens()
			}
			if round == 1 && body != nil {
				body = strings.NewReader("again")
			}
			request, err := http.NewRequest(http.MethodPut, c.BaseURL("llm:openai")+"/x", body)
			if err != nil {
				t.Fatal(err)
			}
			response, err := c.HTTPClient().Do(request)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			data, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			want := map[string]string{"known length": "abc", "stream": "ab", "big": big}[name]
			if round == 1 && body != nil {
				want = "again"
			}
			if response.StatusCode != 200 || string(data) != want {
				t.Errorf("%s: got %d and %d bytes, want %d", name, response.StatusCode, len(data), len(want))
			}
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	passed := g.count(&g.passed)
	web := &http.Client{Transport: &client.Transport{Connection: c, MaxBodyBytes: 10}}
	for name, body := range map[string]io.Reader{
		"known length": strings.NewReader("12345678901"),
		"stream":       io.LimitReader(endless{}, 1<<40),
	} {
		if _, err := web.Post(c.BaseURL("llm:openai"), "text/plain", body); !errors.Is(err, client.ErrBodyTooLarge) {
			t.Errorf("%s: %v, want ErrBodyTooLarge", name, err)
		}
	}
	if response, err := web.Post(c.BaseURL("llm:openai"), "text/plain", strings.NewReader("1234567890")); err != nil || response.StatusCode != 200 {
		t.Errorf("at the bound: %v %v", response, err)
	}
	broken := errors.New("disk on fire")
	if _, err := web.Post(c.BaseURL("llm:openai"), "text/plain", io.MultiReader(strings.NewReader("a"), failingReader{broken})); !errors.Is(err, broken) {
		t.Errorf("a body that breaks off: %v", err)
	}
	if n := g.count(&g.passed) - passed; n != 1 {
		t.Errorf("%d requests passed, want 1", n)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestStreamsArriveAsTheyFlow(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	read := make(chan struct{})
	g.upstream = func(w http.ResponseWriter, r *http.Request, _ []byte) {
		for range 3 {
			_, _ = io.WriteString(w, "data: x\n\n")
			w.(http.Flusher).Flush()
			select { // the next only once this one has arrived
			case <-read:
			case <-r.Context().Done():
				return
			}
		}
	}
	response, err := c.HTTPClient().Post(c.BaseURL("llm:openai"), "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for range 3 {
		event := make([]byte, 9)
		if _, err := io.ReadFull(response.Body, event); err != nil {
			t.Fatal(err)
		}
		read <- struct{}{}
	}
}

func TestTransportWithoutConnection(t *testing.T) {
	t.Parallel()
	if _, err := (&http.Client{Transport: &client.Transport{}}).Get("http://127.0.0.1/"); err == nil {
		t.Error("no error")
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	c := paired(t, newQuietGateway(t))
	for resource, want := range map[string]string{
		"llm:openai":    "https://keys.example/r/llm/openai/v1",
		"llm:groq":      "https://keys.example/r/llm/groq/v1",
		"llm:anthropic": "https://keys.example/r/llm/anthropic",
		"llm:gemini":    "https://keys.example/r/llm/gemini",
		"mail:resend":   "https://keys.example/r/mail/resend",
		"http:a/b?c":    "https://keys.example/r/http/a%2Fb%3Fc",
		"openai":        "", "llm:": "", ":x": "", "": "",
	} {
		if got := c.BaseURL(resource); got != want {
			t.Errorf("%q: %s, want %s", resource, got, want)
		}
	}
}
