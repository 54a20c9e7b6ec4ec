package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

// place is where one key is sent: a server of its own.
type place struct {
	vault.Credential
	secret string
	asked  atomic.Int64 // requests that it has read whole
	answer atomic.Pointer[http.HandlerFunc]
}

// says changes what a place answers from now on.
func (p *place) says(h http.HandlerFunc) { p.answer.Store(&h) }

// addKey stores a key that leads to a place of its own.
func (b *bench) addKey(resource, label string, a vault.Arrangement, h http.HandlerFunc) *place {
	b.Helper()
	p := &place{secret: "sk-" + label + "-4f1d0c0ffee0ddba11"}
	p.says(h)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+p.secret {
			b.Errorf("%s was sent another key", label)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		p.asked.Add(1)
		(*p.answer.Load())(w, r)
	}))
	b.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	p.Credential = b.storeKey(resource, label, s.URL+"/v1", p.secret, a)
	return p
}

func (b *bench) storeKey(resource, label, at, secret string, a vault.Arrangement) vault.Credential {
	b.Helper()
	key, err := b.vault.AddCredential(vault.NewCredential{
		Resource: resource, Label: label, BaseURL: at, Secret: vault.NewSecret([]byte(secret)), AllowPrivate: true, Arrangement: a,
	})
	b.must(err)
	return key
}

func noKeys(o *options) { o.noKey = true; nowhere(o) }

// served is a whole answer that says who gave it.
func served(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}`, text)
	}
}

// fails answers with a status, and a header if there is one.
func fails(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"message":"status %d","type":"x","code":"its_own"}}`, status)
	}
}

func hangsUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// second is an arrangement for keys that are tried later.
func second(rank int) vault.Arrangement { return vault.Arrangement{Rank: rank} }

func wants(t *testing.T, got result, text string) {
	t.Helper()
	if got.status != http.StatusOK || !strings.Contains(string(got.body), text) {
		t.Errorf("%d: %s, want %s", got.status, got.body, text)
	}
}

// The next key takes over, once, and the request counts once.
func TestTheNextKeyTakesOver(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"refused": fails(401), "no credit": fails(402), "slow down": fails(429), "trouble": fails(500), "overloaded": fails(529),
		"hangs up": hangsUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, noKeys)
			first := b.addKey(resource, "first", vault.Arrangement{}, h)
			next := b.addKey(resource, "next", second(1), served("from next"))
			a := limitedApp(b)
			got := a.post(question)
			wants(t, got, "from next")
			if first.asked.Load() != 1 || next.asked.Load() != 1 {
				t.Errorf("asked %d and %d", first.asked.Load(), next.asked.Load())
			}
			if used, held := a.used(); used != 1 || held != 0 {
				t.Errorf("used %d, held %d", used, held)
			}
			ended := b.recorded(audit.RequestEnded, got.id())
			if len(ended) != 1 || !strings.Contains(ended[0].Key, next.ID) || !strings.Contains(ended[0].Key, "next") || !strings.Contains(ended[0].Detail, `"first"`) {
				t.Errorf("audit: %+v", ended)
			}
			if started := b.recorded(audit.RequestStarted, got.id()); len(started) != 1 {
				t.Errorf("%d requests are announced", len(started))
			}
		})
	}
}

func TestAConnectionThatIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	b.storeKey(resource, "first", "http://127.0.0.1:1/v1", "sk-first-0123456789", vault.Arrangement{})
	b.addKey(resource, "next", second(1), served("from next"))
	wants(t, limitedApp(b).post(streamed), "from next")
}

// After the first byte of an answer there is no other try.
func TestNoOtherKeyAfterTheFirstByte(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	b.addKey(resource, "first", vault.Arrangement{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, word)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	next := b.addKey(resource, "next", second(1), served("from next"))
	got := b.pair(anything()).post(streamed)
	if !strings.Contains(string(got.body), "upstream_error") || next.asked.Load() != 0 {
		t.Errorf("the next was asked %d times: %s", next.asked.Load(), got.body)
	}
}

// When all fail, the last answer is the client's; there are four tries at most.
func TestAllKeysFail(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	var all []*place
	for i := range 6 {
		all = append(all, b.addKey(resource, fmt.Sprint("key", i), second(i), fails(503)))
	}
	all[3].says(fails(429, "Retry-After", "7"))
	a := limitedApp(b)
	got := a.post(question)
	if got.status != 429 || got.code() != "its_own" || got.header.Get("Retry-After") != "7" {
		t.Errorf("%d: %s", got.status, got.body)
	}
	for i, p := range all {
		if want := int64(min(1, max(0, 4-i))); p.asked.Load() != want {
			t.Errorf("key %d was asked %d times", i, p.asked.Load())
		}
	}
	if used, held := a.used(); used != 0 || held != 0 {
		t.Errorf("used %d, held %d", used, held)
	}
}

// A key that was told to wait is left alone for that long, and a refusal says
// how long that is.
func TestRetryAfterIsRespected(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	first := b.addKey(resource, "first", vault.Arrangement{}, fails(429, "Retry-After", "30"))
	b.addKey(resource, "other", vault.Arrangement{Rank: 1}, fails(429, "Retry-After", "30"))
	a := b.pair(anything())
	if got := a.post(question); got.status != 429 || got.code() != "its_own" {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	got := a.post(question)
	if got.status != 429 || got.code() != "rate_limited" || got.header.Get("Retry-After") == "" || first.asked.Load() != 1 {
		t.Errorf("%d %v: %s, asked %d times", got.status, got.header, got.body, first.asked.Load())
	}
	if h := b.proxy.KeyHealth()[first.ID]; h.SlowModels != 1 || h.Requests != 1 || h.Failed != 1 || h.InUse != 0 {
		t.Errorf("%+v", h)
	}
	first.says(served("again"))
	b.clock.advance(30 * time.Second)
	wants(t, a.post(question), "again")
}

func TestATroubledKeyRests(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	first := b.addKey(resource, "first", vault.Arrangement{}, fails(500))
	b.addKey(resource, "other", vault.Arrangement{Rank: 1}, fails(500))
	a := b.pair(anything())
	for range failuresBeforeRest {
		if got := a.post(question); got.code() != "its_own" {
			t.Fatalf("%d: %s", got.status, got.body)
		}
	}
	if got := a.post(question); got.status != 502 || got.code() != "upstream_error" || got.header.Get("Retry-After") == "" {
		t.Errorf("%d: %s", got.status, got.body)
	}
	if n := first.asked.Load(); n != failuresBeforeRest || b.proxy.KeyHealth()[first.ID].Apps != 1 {
		t.Errorf("asked %d times, %+v", n, b.proxy.KeyHealth())
	}
	first.says(served("well again"))
	b.clock.advance(30 * time.Second)
	wants(t, a.post(question), "well again")
	if h := b.proxy.KeyHealth()[first.ID]; h.State != "ok" {
		t.Errorf("%+v", h)
	}
}

// A key that was refused is used again at once when a test finds that it works.
func TestATestClearsARest(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	first := b.addKey(resource, "first", vault.Arrangement{}, fails(401))
	a := b.pair(anything())
	a.post(question)
	if got := a.post(question); got.status != 502 || first.asked.Load() != 1 {
		t.Fatalf("%d after %d", got.status, first.asked.Load())
	}
	first.says(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/models") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"object":"list","data":[]}`)
			return
		}
		served("welcome back")(w, r)
	})
	report, err := b.proxy.TestKey(t.Context(), first.ID)
	b.must(err)
	if !report.OK {
		t.Fatalf("%+v", report)
	}
	wants(t, a.post(question), "welcome back")
}

// A permission's own key serves it, or none does.
func TestAPinnedKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	b.addKey(resource, "first", vault.Arrangement{}, served("from first"))
	own := b.addKey(resource, "own", second(1), served("from own"))
	a := b.pair(policy.Document{Resource: resource, Key: "own"})
	wants(t, a.post(question), "from own")
	own.says(fails(500))
	if got := a.post(question); got.status != 500 || got.code() != "its_own" {
		t.Errorf("%d: %s", got.status, got.body)
	}
	b.must(b.vault.RemoveCredential(own.ID))
	if got := a.post(question); got.status != 502 || !strings.Contains(string(got.body), "names a key") {
		t.Errorf("%d: %s", got.status, got.body)
	}
}

// What runs with one key is stopped by a permission that names another.
func TestAPermissionThatComesToNameAnotherKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	begun := make(chan struct{})
	b.addKey(resource, "first", vault.Arrangement{}, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	b.addKey(resource, "own", second(1), served("from own"))
	a := b.pair(anything())
	r := a.request("POST", chatPath, question)
	answer := make(chan result)
	go func() { answer <- b.do(r) }()
	<-begun
	a.regrant(policy.Document{Resource: resource, Key: "own"})
	if got := <-answer; got.status != 502 || !strings.Contains(string(got.body), "another key") {
		t.Errorf("%d: %s", got.status, got.body)
	}
	wants(t, a.post(question), "from own")
}

// Weights share the requests; a key that is drained ends what it has.
func TestWeightsAndDraining(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	heavy := b.addKey(resource, "heavy", vault.Arrangement{Weight: 9}, served("heavy"))
	light := b.addKey(resource, "light", vault.Arrangement{Weight: 1}, served("light"))
	a := b.pair(anything())
	for range 60 {
		wants(t, a.post(question), "t")
	}
	if h, l := heavy.asked.Load(), light.asked.Load(); h+l != 60 || h < 40 {
		t.Errorf("%d and %d", h, l)
	}
	release := make(chan struct{})
	heavy.says(func(w http.ResponseWriter, r *http.Request) { <-release; served("late")(w, r) })
	b.drain(light, true)
	r := a.request("POST", chatPath, question)
	answer := make(chan result)
	go func() { answer <- b.do(r) }()
	b.eventually("heavy is in use", func() bool { return b.proxy.KeyHealth()[heavy.ID].InUse == 1 })
	b.drain(heavy, true)
	if got := a.post(question); got.status != 502 || !strings.Contains(string(got.body), "out of use") {
		t.Errorf("%d: %s", got.status, got.body)
	}
	b.drain(light, false)
	wants(t, a.post(question), "light")
	close(release)
	wants(t, <-answer, "late")
	b.eventually("heavy is idle", func() bool { return b.proxy.KeyHealth()[heavy.ID].InUse == 0 })
}

func (b *bench) drain(p *place, draining bool) {
	b.Helper()
	a := p.Arrangement
	a.Draining = draining
	_, err := b.vault.Arrange(p.ID, a)
	b.must(err)
}

// Between two tries everything can still stop a request.
func TestStoppedBetweenTries(t *testing.T) {
	t.Parallel()
	for _, c := range causes() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, noKeys)
			first := b.addKey(resource, "first", vault.Arrangement{}, nil)
			next := b.addKey(resource, "next", second(1), served("from next"))
			a := limitedApp(b)
			first.says(func(w http.ResponseWriter, r *http.Request) {
				c.stop(a)
				fails(503)(w, r)
			})
			got := a.post(question)
			if got.status != c.status || got.code() != c.code || next.asked.Load() != 0 {
				t.Errorf("%d %s, the next was asked %d times", got.status, got.code(), next.asked.Load())
			}
			b.eventually("the request has ended", func() bool { return b.proxy.Running() == 0 })
		})
	}
}

// A key that is removed stops what runs on it, and is not tried any more.
func TestKeysRemovedOnTheWay(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	first := b.addKey(resource, "first", vault.Arrangement{}, nil)
	next := b.addKey(resource, "next", second(1), served("from next"))
	last := b.addKey(resource, "last", second(2), served("from last"))
	first.says(func(w http.ResponseWriter, r *http.Request) {
		if err := b.vault.RemoveCredential(next.ID); err != nil {
			b.Error(err)
		}
		fails(500)(w, r)
	})
	a := b.pair(anything())
	wants(t, a.post(question), "from last")
	first.says(fails(500))
	removed := make(chan struct{})
	last.says(func(w http.ResponseWriter, r *http.Request) {
		if err := b.vault.RemoveCredential(last.ID); err != nil {
			b.Error(err)
		}
		close(removed)
		<-r.Context().Done()
	})
	if got := a.post(question); got.status != 502 || !strings.Contains(string(got.body), "removed the key") {
		t.Errorf("%d: %s", got.status, got.body)
	}
	<-removed
	if _, known := b.proxy.KeyHealth()[last.ID]; known {
		t.Error("a removed key has a health")
	}
}

const mail = `{"from":"a@example.com","to":"b@example.com","subject":"s","text":"t"}`

// Mail that may have been sent is sent again only where the provider can tell.
func TestMailIsNotSentTwice(t *testing.T) {
	t.Parallel()
	const path = "/r/mail/resend/emails"
	sent := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"4f1d"}`)
	}
	for _, row := range []struct {
		name   string
		first  http.HandlerFunc
		key    string
		second int64
	}{
		{"trouble", fails(500), "", 0},
		{"trouble, with a key of another account", fails(500), "mail-1", 0},
		{"hangs up", hangsUp, "", 0},
		{"hangs up, with a key of another account", hangsUp, "mail-2", 0},
		{"slow down, with a key", fails(429), "mail-3", 1},
		{"slow down", fails(429), "", 1},
		{"refused", fails(401), "", 1},
		{"no credit", fails(402), "", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, noKeys)
			first := b.addKey("mail:resend", "first", vault.Arrangement{}, row.first)
			next := b.addKey("mail:resend", "next", second(1), sent)
			a := b.pair(policy.Document{Resource: "mail:resend"})
			r := a.request("POST", path, mail)
			if row.key != "" {
				r.Header.Set("Idempotency-Key", row.key)
			}
			got := b.do(r)
			if first.asked.Load() != 1 || next.asked.Load() != row.second || (row.second == 1) != (got.status == 200) {
				t.Errorf("%d: asked %d and %d", got.status, first.asked.Load(), next.asked.Load())
			}
		})
	}
}

// An Idempotency-Key is known to one account: keys with another address or other
// headers are of another.
func TestMailIsRepeatedInItsAccount(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]http.HandlerFunc{"trouble": fails(500), "hangs up": hangsUp} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			b := newBench(t, noKeys)
			home := b.addKey("mail:resend", "home", vault.Arrangement{}, nil)
			b.must(b.vault.RemoveCredential(home.ID))
			home.says(func(w http.ResponseWriter, r *http.Request) {
				if asked = append(asked, r.Header.Get("X-Team")); len(asked) == 1 {
					trouble(w, r)
					return
				}
				fails(429)(w, r)
			})
			other := b.addKey("mail:resend", "elsewhere", second(4), fails(429))
			for rank, team := range []string{"a", "b", "a", "b"} {
				_, err := b.vault.AddCredential(vault.NewCredential{
					Resource: "mail:resend", Label: fmt.Sprint(team, rank), BaseURL: home.BaseURL, Headers: map[string]string{"X-Team": team},
					Secret: vault.NewSecret([]byte(home.secret)), AllowPrivate: true, Arrangement: second(rank),
				})
				b.must(err)
			}
			r := b.pair(policy.Document{Resource: "mail:resend"}).request("POST", "/r/mail/resend/emails", mail)
			r.Header.Set("Idempotency-Key", "mail-1")
			if got := b.do(r); got.status != 429 || strings.Join(asked, " ") != "a a" || other.asked.Load() != 0 {
				t.Errorf("%d: %v were asked, and elsewhere %d times", got.status, asked, other.asked.Load())
			}
		})
	}
}

// A key that may only send mail is refused when a message is looked at, and goes
// on to send.
func TestARestrictedKeyDoesNotRest(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	p := b.addKey("mail:resend", "sender", vault.Arrangement{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"statusCode":401,"name":"restricted_api_key","message":"This API key is restricted to only send emails"}`)
			return
		}
		_, _ = io.WriteString(w, `{"id":"4f1d"}`)
	})
	a := b.pair(policy.Document{Resource: "mail:resend"})
	if got := b.do(a.request("GET", "/r/mail/resend/emails/4f1d", "")); got.status != 502 || !strings.Contains(string(got.body), "may not be used for this") {
		t.Errorf("%d: %s", got.status, got.body)
	}
	if got := b.do(a.request("POST", "/r/mail/resend/emails", mail)); got.status != 200 || p.asked.Load() != 2 {
		t.Errorf("%d: %s", got.status, got.body)
	}
}

// A provider without keys needs none, and still what everything else needs.
func TestAProviderWithoutKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, noKeys)
	var asked atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	b.must(err)
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); r.Header.Get("Authorization") != "" {
			t.Error("a credential was sent")
		}
		served("at home")(w, r)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	b.own(`{"id":"llm:ollama","title":"Ollama","base_url":"http://`+l.Addr().String()+`/v1","dialect":"openai","credential":{"none":true},
		"actions":[{"name":"chat.completions","method":"POST","path":"/chat/completions"}],"allow_private":true,"docs":"https://docs.ollama.com"}`, true)
	const path = "/r/llm/ollama/v1/chat/completions"
	a := b.pair(policy.Document{Resource: "llm:ollama"})
	got := b.do(a.request("POST", path, question))
	wants(t, got, "at home")
	if ended := b.recorded(audit.RequestEnded, got.id()); len(ended) != 1 || ended[0].Key != "" {
		t.Errorf("audit: %+v", ended)
	}
	if got := b.do(b.pair(anything()).request("POST", path, question)); got.status != 403 {
		t.Errorf("without a permission: %d", got.status)
	}
	b.vault.Lock()
	if got := b.do(a.request("POST", path, question)); got.status != 503 || asked.Load() != 1 {
		t.Errorf("while locked: %d, asked %d times", got.status, asked.Load())
	}
}
