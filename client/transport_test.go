package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// TestOneRenewalForAll: a hundred requests find their token invalid at once.
func TestOneRenewalForAll(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	g.expireTokens()
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			response, err := c.HTTPClient().Get(c.BaseURL("llm:openai") + "/models")
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
			if response.StatusCode != 200 {
				t.Errorf("got %d", response.StatusCode)
			}
		})
	}
	group.Wait()
	if n := g.count(&g.renewals); n != 1 {
		t.Errorf("%d renewals, want 1", n)
	}
	if n := g.count(&g.passed); n != 100 {
		t.Errorf("%d requests passed, want 100", n)
	}
}

func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		c, err := client.Pair(t.Context(), g.newString(), app)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			time.Sleep(20 * time.Second)
			post(t, c, "x")
		}
		if g.renewals != 4 || g.refused != 0 { // every 4 min 40 s
			t.Errorf("%d renewals and %d refusals in 20 minutes", g.renewals, g.refused)
		}
	})
}

// TestTokenIsUsedToItsEnd: while the token is good, a gateway that cannot renew is no reason to fail.
func TestTokenIsUsedToItsEnd(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		away := errors.New("connection refused")
		app.HTTPClient = &http.Client{Transport: failingTransport{directly{g}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/oauth/token" && g.passed > 0 {
				return nil, away
			}
			return nil, nil
		}}}
		c, err := client.Pair(t.Context(), g.newString(), app)
		if err != nil {
			t.Fatal(err)
		}
		post(t, c, "x")
		time.Sleep(4*time.Minute + 50*time.Second)
		if response, _ := post(t, c, "y"); response.StatusCode != 200 {
			t.Errorf("got %d", response.StatusCode)
		}
		time.Sleep(time.Minute)
		if _, err := c.HTTPClient().Get(c.BaseURL("llm:openai")); !errors.Is(err, away) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestRenewalOutlivesItsRequest: the request that began it gives up, the others wait on.
func TestRenewalOutlivesItsRequest(t *testing.T) {
	quietly(t, func(t *testing.T, g *gateway, app client.App) {
		slow := failingTransport{directly{g}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/oauth/token" && g.passed > 0 {
				time.Sleep(10 * time.Second)
			}
			return nil, r.Context().Err()
		}}
		app.HTTPClient = &http.Client{Transport: slow}
		c, err := client.Pair(t.Context(), g.newString(), app)
		if err != nil {
			t.Fatal(err)
		}
		post(t, c, "x")
		time.Sleep(6 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			request, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL("llm:openai"), nil)
			if _, err := c.HTTPClient().Do(request); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient one: %v", err)
			}
		}()
		synctest.Wait()
		if response, _ := post(t, c, "y"); response.StatusCode != 200 || g.renewals != 1 {
			t.Errorf("the patient one: %d after %d renewals", response.StatusCode, g.renewals)
		}
	})
}

func TestRevokedSessionIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	post(t, c, "x")
	g.endSessions()
	for range 3 {
		_, err := c.HTTPClient().Get(c.BaseURL("llm:openai"))
		if !errors.Is(err, client.ErrSessionEnded) {
			t.Errorf("got %v, want ErrSessionEnded", err)
		}
	}
	if n := g.count(&g.renewals); n != 1 {
		t.Errorf("%d renewals, want 1", n)
	}
}

// refuseTimes answers the first requests under /r/ with a challenge.
func refuseTimes(times int64, code string, sent *atomic.Int64) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/r/") || sent.Add(1) > times {
			return false
		}
		w.Header().Set("WWW-Authenticate", `DPoP error="`+code+`", algs="ES256"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
}

func TestWhatIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		times  int64 // refusals before an answer
		code   string
		status int
		sent   int64
	}{
		{"token refused once", 1, "invalid_token", 200, 2},
		{"token refused always", 99, "invalid_token", 401, 2},
		{"proof refused once", 1, "invalid_dpop_proof", 200, 2},
		{"proof refused always", 99, "invalid_dpop_proof", 401, 2},
		{"nonce asked for and not given", 99, "use_dpop_nonce", 401, 1},
		{"another challenge", 99, "insufficient_scope", 401, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			c := paired(t, g)
			var sent atomic.Int64
			g.intercept = refuseTimes(row.times, row.code, &sent)
			response, body := post(t, c, "hello")
			if response.StatusCode != row.status || row.status == 200 && body != "hello" {
				t.Errorf("got %d %q, want %d", response.StatusCode, body, row.status)
			}
			if sent.Load() != row.sent {
				t.Errorf("sent %d times, want %d", sent.Load(), row.sent)
			}
		})
	}
}

// TestWhatIsNotSentAgain: what the provider may have seen is the caller's to repeat.
func TestWhatIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 413, 429, 500, 502, 503, 504} {
		g := newGateway(t)
		c := paired(t, g)
		g.upstream = func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
		}
		if response, _ := post(t, c, "x"); response.StatusCode != status {
			t.Errorf("got %d, want %d", response.StatusCode, status)
		}
		if n := g.count(&g.passed); n != 1 {
			t.Errorf("%d: sent %d times", status, n)
		}
	}
	g := newGateway(t)
	c := paired(t, g)
	g.upstream = func(w http.ResponseWriter, _ *http.Request, _ []byte) { panic(http.ErrAbortHandler) }
	if _, err := c.HTTPClient().Post(c.BaseURL("llm:openai"), "text/plain", strings.NewReader("x")); err == nil {
		t.Error("a connection that breaks off gives no error")
	}
	if n := g.count(&g.passed); n != 1 {
		t.Errorf("broken connection: sent %d times", n)
	}
}

func TestNonces(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.nonce = "first"
	c := paired(t, g)
	if response, _ := post(t, c, "x"); response.StatusCode != 200 {
		t.Errorf("got %d", response.StatusCode)
	}
	refused := g.count(&g.refused)
	g.mu.Lock()
	g.nonce = "second"
	g.mu.Unlock()
	if response, body := post(t, c, "y"); response.StatusCode != 200 || body != "y" {
		t.Errorf("after a change of nonce: %d %q", response.StatusCode, body)
	}
	if n := g.count(&g.refused) - refused; n != 1 {
		t.Errorf("%d refusals, want 1", n)
	}
}

// TestClockOff: an app whose clock is wrong learns the gateway's time from its first refusal.
func TestClockOff(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, -2 * time.Minute, 20 * time.Second, time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			quietly(t, func(t *testing.T, g *gateway, app client.App) {
				time.Sleep(2 * time.Hour) // so that no proof is dated before the gateway's start
				app.Clock = func() time.Time { return time.Now().Add(off) }
				c, err := client.Pair(t.Context(), g.newString(), app)
				if err != nil {
					t.Fatal(err)
				}
				if response, _ := post(t, c, "x"); response.StatusCode != 200 || g.refused != 1 {
					t.Errorf("got %d after %d refusals", response.StatusCode, g.refused)
				}
			})
		})
	}
}

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

func TestRevoke(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	keys := client.MemoryKeyStore()
	c := paired(t, g, func(app *client.App) { app.Keys = keys })
	g.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	if err := c.Revoke(t.Context()); err == nil {
		t.Error("revoked without the gateway")
	}
	if _, err := keys.Load(); err != nil {
		t.Errorf("forgotten without the gateway: %v", err)
	}
	g.intercept = nil
	if err := c.Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Load(); !errors.Is(err, client.ErrNotPaired) {
		t.Errorf("still kept: %v", err)
	}
	if _, err := c.HTTPClient().Get(c.BaseURL("llm:openai")); !errors.Is(err, client.ErrSessionEnded) {
		t.Errorf("still usable: %v", err)
	}
	if len(g.sessions) != 0 {
		t.Error("the session lives on")
	}
	if err := c.Revoke(t.Context()); err != nil {
		t.Errorf("revoking again: %v", err)
	}
}

// TestKeyStoreThatFails: a token that has been renewed is good even if it cannot be written down that the owner has
// changed what is granted.
func TestKeyStoreThatFails(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	keys := &failingStore{KeyStore: client.MemoryKeyStore()}
	c := paired(t, g, func(app *client.App) { app.Keys = keys })
	g.mu.Lock()
	for _, s := range g.sessions {
		s.details = []byte(`[{"type":"keywicket","identifier":"llm:other"}]`)
	}
	g.mu.Unlock()
	g.expireTokens()
	keys.fail.Store(true)
	if response, _ := post(t, c, "x"); response.StatusCode != 200 {
		t.Errorf("got %d", response.StatusCode)
	}
	if granted := c.Granted(); len(granted) != 1 || granted[0].Resource != "llm:other" {
		t.Errorf("granted %+v", granted)
	}
}

type failingStore struct {
	client.KeyStore
	fail atomic.Bool
}

func (s *failingStore) Save(data []byte) error {
	if s.fail.Load() {
		return errors.New("disk full")
	}
	return s.KeyStore.Save(data)
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
