package client_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/client"
)

// localProxy is a Proxy that serves, and its address.
func localProxy(t testing.TB, c *client.Connection) (p *client.Proxy, address string) {
	t.Helper()
	p, err := client.NewProxy(client.ProxyConfig{Connection: c})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return p, listener.Addr().String()
}

// tool sends a request as a program that knows nothing of proofs.
func tool(t testing.TB, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		if headers[n] == "Host" {
			request.Host = headers[n+1]
		}
		request.Header.Add(headers[n], headers[n+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(data)
}

func TestProxySignsForLocalTools(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	var seen *http.Request
	g.upstream = func(w http.ResponseWriter, r *http.Request, body []byte) {
		seen = r
		w.Header().Set("Set-Cookie", "a=b")
		_, _ = w.Write(body)
	}
	p, at := localProxy(t, paired(t, g))
	base := p.BaseURL(at, "llm:openai")
	if base != "http://"+at+"/r/llm/openai/v1" || p.BaseURL(at, "openai") != "" {
		t.Errorf("base URL %s", base)
	}
	for _, credential := range [][]string{
		{"Authorization", "Bearer " + p.Secret()}, {"Authorization", "bearer " + p.Secret()}, {"X-Api-Key", p.Secret()},
		{"X-Goog-Api-Key", p.Secret()}, {"Api-Key", p.Secret()},
	} {
		answer, body := tool(t, "POST", base+"/chat/completions?a=b", "hello", append(credential, "Cookie", "c=d", "Origin", "http://127.0.0.1", "X-Tool", "x")...)
		if answer.StatusCode != 200 || body != "hello" || answer.Header.Get("Set-Cookie") != "" {
			t.Fatalf("%s: %d %s %v", credential[0], answer.StatusCode, body, answer.Header)
		}
		if seen.URL.RawQuery != "a=b" || seen.Header.Get("X-Tool") != "x" || seen.Header.Get("Cookie")+seen.Header.Get("Origin")+seen.Header.Get("X-Forwarded-For") != "" {
			t.Errorf("the gateway saw %v %v", seen.URL, seen.Header)
		}
		for name, values := range seen.Header {
			if strings.Contains(strings.Join(values, " "), p.Secret()) {
				t.Errorf("the secret travelled on in %s", name)
			}
		}
	}
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	p, at := localProxy(t, paired(t, g))
	base, good := "http://"+at, "Bearer "+p.Secret()
	passed := g.count(&g.passed)
	for _, row := range []struct {
		name, path string
		headers    []string
		status     int
	}{
		{"no secret", "/r/llm/openai/v1/models", nil, 401},
		{"another secret", "/r/llm/openai/v1/models", []string{"Authorization", "Bearer " + strings.Repeat("x", 43)}, 401},
		{"secret in part", "/r/llm/openai/v1/models", []string{"Authorization", good[:len(good)-1]}, 401},
		{"another scheme", "/r/llm/openai/v1/models", []string{"Authorization", "DPoP " + p.Secret()}, 401},
		{"empty", "/r/llm/openai/v1/models", []string{"Authorization", ""}, 401},
		{"one right, one wrong", "/r/llm/openai/v1/models", []string{"Authorization", good, "X-Api-Key", "x"}, 401},
		{"in the query", "/r/llm/openai/v1/models?key=" + p.Secret(), nil, 401},
		{"rebound name", "/r/llm/openai/v1/models", []string{"Authorization", good, "Host", "evil.example"}, 403},
		{"beyond the data plane", "/oauth/token", []string{"Authorization", good}, 404},
		{"about the app", "/api/app", []string{"Authorization", good}, 404},
		{"out by dots", "/r/../oauth/token", []string{"Authorization", good}, 404},
		{"out by dots of the one address", "/v1/../oauth/token", []string{"Authorization", good}, 404},
		{"out by escaped dots", "/r/%2e%2E/oauth/token", []string{"Authorization", good}, 404},
		{"out by an escaped slash", "/r/..%2foauth/token", []string{"Authorization", good}, 404},
	} {
		answer, body := tool(t, "GET", base+row.path, "", row.headers...)
		if answer.StatusCode != row.status || !strings.Contains(body, `"error"`) {
			t.Errorf("%s: %d %s, want %d", row.name, answer.StatusCode, body, row.status)
		}
		if (answer.StatusCode == 401) != (answer.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: WWW-Authenticate %q", row.name, answer.Header.Get("WWW-Authenticate"))
		}
	}
	from := httptest.NewRequest("GET", "/r/llm/openai/v1/models", nil)
	from.Host, from.RemoteAddr = "127.0.0.1:1", "192.0.2.1:1234"
	from.Header.Set("Authorization", good)
	recorder := httptest.NewRecorder()
	p.ServeHTTP(recorder, from)
	if recorder.Code != 403 {
		t.Errorf("from another machine: %d", recorder.Code)
	}
	if n := g.count(&g.passed) - passed; n != 0 {
		t.Errorf("%d requests passed", n)
	}
}

func TestProxyPassesNoRedirect(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	p, at := localProxy(t, paired(t, g))
	for _, status := range []int{301, 302, 303, 307, 308} {
		g.upstream = func(w http.ResponseWriter, r *http.Request, _ []byte) {
			http.Redirect(w, r, "https://other.example/", status)
		}
		answer, body := tool(t, "POST", "http://"+at+"/r/llm/openai/v1/x", "{}", "Authorization", "Bearer "+p.Secret())
		if answer.StatusCode != 502 || answer.Header.Get("Location") != "" || !strings.Contains(body, "redirected") {
			t.Errorf("%d: %d %v %s", status, answer.StatusCode, answer.Header, body)
		}
	}
}

func TestProxyStreams(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	p, at := localProxy(t, paired(t, g))
	read := make(chan struct{})
	g.upstream = func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
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
	request, err := http.NewRequest("POST", "http://"+at+"/r/llm/openai/v1/chat/completions", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.Secret())
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for range 3 {
		event := make([]byte, len("data: x\n\n"))
		if _, err := io.ReadFull(answer.Body, event); err != nil {
			t.Fatal(err)
		}
		read <- struct{}{}
	}
}

func TestProxySaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c := paired(t, g)
	p, at := localProxy(t, c)
	send := func() (*http.Response, string) {
		return tool(t, "POST", "http://"+at+"/r/llm/openai/v1/x", "{}", "Authorization", "Bearer "+p.Secret())
	}
	g.endSessions()
	if answer, body := send(); answer.StatusCode != 403 || !strings.Contains(body, "session_ended") || strings.Contains(body, g.issuer+"/oauth") {
		t.Errorf("after the end of the session: %d %s", answer.StatusCode, body)
	}
	g.server.Close()
	if answer, body := tool(t, "POST", "http://"+at+"/r/llm/openai/v1/x", strings.Repeat("x", 32<<20+1), "Authorization", "Bearer "+p.Secret()); answer.StatusCode != 413 {
		t.Errorf("a huge body: %d %s", answer.StatusCode, body)
	}
}

func TestProxyListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	c := paired(t, newGateway(t))
	p, err := client.NewProxy(client.ProxyConfig{Connection: c})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(t.Context(), listener); err == nil {
		t.Error("serves everybody")
	}
	for name, config := range map[string]client.ProxyConfig{
		"no connection": {}, "short secret": {Connection: c, Secret: "abc"},
	} {
		if _, err := client.NewProxy(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
