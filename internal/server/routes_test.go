package server

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/plugins/all"
)

const testPassphrase = "a passphrase for tests"

// opened is a server on a fresh data directory, set up and unlocked.
func opened(t *testing.T, set func(*Config)) *Server {
	t.Helper()
	providers, err := all.Providers()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Providers: providers, BuildProvider: all.Provider}
	cfg.UnlockFile = setUp(t, cfg.DataDir)
	if set != nil {
		set(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// setUp copies a data directory that has been set up into dir and returns its
// key file. It is made once: a passphrase slot is expensive on purpose.
func setUp(t *testing.T, dir string) (keyFile string) {
	t.Helper()
	from, err := made()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"keywicket.db", "host.key", "epoch", "audit.jsonl", "audit.head", "unlock.key"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "unlock.key")
}

var made = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "keywicket-server-")
	if err != nil {
		return "", err
	}
	providers, err := all.Providers()
	if err != nil {
		return "", err
	}
	s, err := New(Config{DataDir: dir, Listen: "127.0.0.1:0", Providers: providers, BuildProvider: all.Provider})
	if err != nil {
		return "", err
	}
	defer s.Close()
	if err := s.rooms.vault.Init([]byte(testPassphrase)); err != nil {
		return "", err
	}
	_, key, err := s.rooms.vault.AddKeyFileSlot("tests")
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "unlock.key"), key, 0o600)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := made(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// TestEveryRouteForEveryCaller has a row for each route of the public side: what a
// stranger gets, what the owner's browser gets, and what another site gets that
// makes the owner's browser send the request.
func TestEveryRouteForEveryCaller(t *testing.T) {
	t.Parallel()
	const signIn = http.StatusSeeOther // led away
	rows := map[string]struct{ stranger, owner, otherSite int }{
		"GET /healthz": {200, 200, 200},
		"GET /readyz":  {200, 200, 200},
		"GET /.well-known/oauth-authorization-server": {200, 200, 200},
		"GET /.well-known/openid-configuration":       {200, 200, 200},
		"GET /.well-known/oauth-protected-resource":   {200, 200, 200},
		"GET /oauth/jwks":                             {200, 200, 200},
		"POST /oauth/register":                        {401, 401, 401},
		"POST /oauth/device":                          {400, 400, 400},
		"POST /oauth/par":                             {400, 400, 400},
		"GET /oauth/authorize":                        {400, 400, 400},
		"POST /oauth/token":                           {400, 400, 400},
		"POST /oauth/revoke":                          {400, 400, 400},
		"POST /oauth/keys":                            {401, 401, 401},
		"GET /api/app":                                {401, 401, 401},
		"* /r/*":                                      {404, 404, 404},
		"* /v1/*":                                     {404, 404, 404},

		"GET /setup":                  {signIn, signIn, signIn},
		"POST /setup":                 {409, 409, 403},
		"GET /sign-in":                {200, 303, 200},
		"POST /sign-in":               {422, 422, 403},
		"POST /sign-out":              {signIn, 303, 403},
		"POST /sign-out/everywhere":   {signIn, 303, 403},
		"GET /":                       {signIn, 200, 200},
		"GET /keys":                   {signIn, 200, 200},
		"POST /keys":                  {signIn, 422, 403},
		"POST /keys/:id/test":         {signIn, 404, 403},
		"POST /keys/:id/remove":       {signIn, 404, 403},
		"POST /keys/:id/drain":        {signIn, 404, 403},
		"POST /keys/:id/use":          {signIn, 404, 403},
		"POST /keys/:id/arrange":      {signIn, 404, 403},
		"GET /providers":              {signIn, 200, 200},
		"POST /providers":             {signIn, 422, 403},
		"GET /providers/new":          {signIn, 200, 200},
		"POST /providers/new":         {signIn, 200, 403},
		"POST /providers/review":      {signIn, 422, 403},
		"GET /providers/:id":          {signIn, 404, 200},
		"GET /providers/:id/edit":     {signIn, 404, 200},
		"GET /providers/:id/manifest": {signIn, 404, 200},
		"POST /providers/:id/remove":  {signIn, 404, 403},
		"GET /names":                  {signIn, 200, 200},
		"POST /names":                 {signIn, 422, 403},
		"POST /names/remove":          {signIn, 404, 403},
		"GET /pair":                   {signIn, 200, 200},
		"POST /pair":                  {signIn, 422, 403},
		"GET /requests":               {signIn, 200, 200},
		"GET /requests/:id":           {signIn, 404, 200},
		"POST /requests/:id/approve":  {signIn, 404, 403},
		"POST /requests/:id/deny":     {signIn, 404, 403},
		"GET /device":                 {signIn, 200, 200},
		"GET /apps":                   {signIn, 200, 200},
		"GET /apps/:id":               {signIn, 404, 200},
		"POST /apps/:id/suspend":      {signIn, 404, 403},
		"POST /apps/:id/resume":       {signIn, 404, 403},
		"POST /apps/:id/revoke":       {signIn, 404, 403},
		"POST /sessions/:id/end":      {signIn, 404, 403},
		"GET /activity":               {signIn, 200, 200},
		"GET /usage":                  {signIn, 200, 200},
		"GET /alerts":                 {signIn, 200, 200},
		"POST /alerts/dismiss":        {signIn, 303, 403},
		"POST /alerts/:id/dismiss":    {signIn, 404, 403},
		"GET /tester":                 {signIn, 200, 200},
		"POST /tester":                {signIn, 422, 403},
		"POST /freeze":                {signIn, 303, 403},
		"POST /thaw":                  {signIn, 303, 403},
		"POST /lock":                  {signIn, 303, 403},
		"POST /accept-restore":        {signIn, 303, 403},
		"GET /unlock":                 {signIn, 303, 200},
		"POST /unlock":                {signIn, 422, 403},
		"GET /static/:name":           {404, 404, 404},
	}
	for name := range maps.Clone(rows) { // preflights: no web page has been named
		method, path, _ := strings.Cut(name, " ")
		pages := strings.HasPrefix(path, "/.well-known/") || strings.HasPrefix(path, "/oauth/") || strings.HasPrefix(path, "/api/")
		if pages && path != "/oauth/authorize" && method != http.MethodOptions {
			rows["OPTIONS "+path] = struct{ stranger, owner, otherSite int }{403, 403, 403}
		}
	}
	seen := 0
	for _, r := range opened(t, nil).routes() {
		name := r.method + " " + r.path
		want, known := rows[name]
		if !known {
			t.Errorf("%s has no row here: say who may call it", name)
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A server each, so that one route's freeze is not the next one's.
			s := opened(t, nil)
			h := s.publicHandler()
			session, err := s.rooms.owner.StartSession()
			if err != nil {
				t.Fatal(err)
			}
			cookie := s.rooms.owner.Cookie(session)
			// Another site's request carries no cookie: SameSite=Strict.
			check(t, s.URL(), h, r, "stranger", nil, "", want.stranger)
			check(t, s.URL(), h, r, "another site", nil, "cross-site", want.otherSite)
			check(t, s.URL(), h, r, "owner", cookie, "same-origin", want.owner)
			if r.method == http.MethodPost && want.otherSite == http.StatusForbidden {
				check(t, s.URL(), h, r, "another site with the cookie", cookie, "cross-site", http.StatusForbidden)
			}
		})
	}
	if seen != len(rows) {
		t.Errorf("%d of %d rows stand for a route", seen, len(rows))
	}
}

func check(t *testing.T, origin string, h http.Handler, r route, caller string, cookie *http.Cookie, site string, want int) {
	t.Helper()
	method, path := r.method, strings.NewReplacer(":id", "nothing", ":name", "nothing", "*", "nothing").Replace(r.path)
	if method == anyMethod {
		method = http.MethodPost
	}
	req := httptest.NewRequestWithContext(t.Context(), method, origin+path, nil)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if path == "/oauth/register" || path == "/oauth/keys" {
		req.Header.Set("Content-Type", "application/json")
	}
	if cookie != nil {
		req.AddCookie(cookie)
	}
	if site != "" {
		req.Header.Set("Sec-Fetch-Site", site)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(deadlined{w}, req)
	if w.Code != want {
		t.Errorf("%s: %d, want %d: %.200s", caller, w.Code, want, w.Body)
	}
	if w.Header().Get("X-Request-Id") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s: headers %v", caller, w.Header())
	}
}

// deadlined is a recorder that takes deadlines, as a connection does.
type deadlined struct{ *httptest.ResponseRecorder }

func (deadlined) SetReadDeadline(time.Time) error  { return nil }
func (deadlined) SetWriteDeadline(time.Time) error { return nil }

// TestUnknownPaths shows that nothing is served beside the table.
func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	s := opened(t, nil)
	h := s.publicHandler()
	for _, path := range []string{"/owner/v1/status", "/metrics", "/debug/pprof/", "/v1/chat/completions", "/static/../keys", "/.git/config"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(deadlined{w}, httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestThrottle counts guesses at the registration endpoint per address, and
// does not count them against the console.
func TestThrottle(t *testing.T) {
	t.Parallel()
	s := opened(t, func(cfg *Config) { cfg.UnauthenticatedPerMinute = 3 })
	h := s.publicHandler()
	post := func(address string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/register", strings.NewReader("{}"))
		r.RemoteAddr = address
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-For", "198.51.100.200") // anybody can write this
		w := httptest.NewRecorder()
		h.ServeHTTP(deadlined{w}, r)
		return w
	}
	for i := range 3 {
		if w := post("192.0.2.1:1000"); w.Code != http.StatusUnauthorized {
			t.Fatalf("guess %d: %d", i, w.Code)
		}
	}
	w := post("192.0.2.1:2000")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("fourth guess: %d %v", w.Code, w.Header())
	}
	if w := post("192.0.2.2:1000"); w.Code != http.StatusUnauthorized {
		t.Errorf("another address: %d", w.Code)
	}
	if w := post("[2001:db8::1]:1000"); w.Code != http.StatusUnauthorized {
		t.Errorf("IPv6: %d", w.Code)
	}
	for i := range 3 {
		w = post("[2001:db8::" + string(rune('2'+i)) + "]:1000")
	}
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("the same /64 from other addresses: %d", w.Code)
	}
	page := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/sign-in", nil)
	r.RemoteAddr = "192.0.2.1:3000"
	h.ServeHTTP(deadlined{page}, r)
	if page.Code != http.StatusOK {
		t.Errorf("the owner's sign-in page: %d", page.Code)
	}
}

// TestOneAddressDoesNotUseUpAll floods from one address; another one is still
// served.
func TestOneAddressDoesNotUseUpAll(t *testing.T) {
	t.Parallel()
	limit := newThrottle(2)
	for range 100 {
		if _, err := limit.wait(t.Context(), "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	if wait, err := limit.wait(t.Context(), "192.0.2.2"); err != nil || wait != 0 {
		t.Errorf("another address waits %v, %v", wait, err)
	}
	for i := range 30 { // until all of them together are over
		if _, err := limit.wait(t.Context(), fmt.Sprintf("198.51.100.%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if wait, err := limit.wait(t.Context(), "192.0.2.3"); err != nil || wait == 0 {
		t.Errorf("over the limit on all, an address waits %v, %v", wait, err)
	}
}

// TestConsoleIsAtHome asks for the console under another name, as a page does
// that has pointed its own name here.
func TestConsoleIsAtHome(t *testing.T) {
	t.Parallel()
	s := opened(t, nil)
	h := s.publicHandler()
	for method, want := range map[string]int{http.MethodGet: http.StatusTemporaryRedirect, http.MethodPost: http.StatusMisdirectedRequest} {
		r := httptest.NewRequestWithContext(t.Context(), method, "http://rebound.example/sign-in?next=%2Fkeys", nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(deadlined{w}, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", method, w.Code, want)
		}
		if method == http.MethodGet && w.Header().Get("Location") != s.URL()+"/sign-in?next=%2Fkeys" {
			t.Errorf("led to %s", w.Header().Get("Location"))
		}
	}
}

// TestClientAddress believes X-Forwarded-For only from proxies it was told of.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, peer, header string
		behindProxy        bool
		proxies            []netip.Prefix
		want               string
	}{
		{"no proxy", "127.0.0.1", "203.0.113.9", false, nil, "127.0.0.1"},
		{"proxy on this machine", "127.0.0.1", "203.0.113.9", true, nil, "203.0.113.9"},
		{"client writes the header too", "127.0.0.1", "198.51.100.1, 203.0.113.9", true, nil, "203.0.113.9"},
		{"client in the local network", "127.0.0.1", "203.0.113.9, 192.168.1.9", true, nil, "192.168.1.9"},
		{"not from the proxy", "192.168.1.9", "203.0.113.9", true, nil, "192.168.1.9"},
		{"named proxy", "172.17.0.2", "203.0.113.9", true, []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16")}, "203.0.113.9"},
	}
	for _, row := range rows {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = row.peer + ":1000"
		r.Header.Set("X-Forwarded-For", row.header)
		if got := clientAddress(row.behindProxy, row.proxies)(r); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

// TestPanicTellsNothing makes a handler panic with a secret.
func TestPanicTellsNothing(t *testing.T) {
	t.Parallel()
	var logged strings.Builder
	s := opened(t, func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(&logged, nil)) })
	e := newEcho()
	e.HTTPErrorHandler = s.answerError
	e.Use(s.recoverer())
	e.GET("/boom", echoPanic)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/boom", nil))
	body, _ := io.ReadAll(w.Body)
	if w.Code != http.StatusInternalServerError || strings.Contains(string(body), "sk-") {
		t.Errorf("%d %s", w.Code, body)
	}
	if strings.Contains(logged.String(), "sk-") || !strings.Contains(logged.String(), "/boom") {
		t.Errorf("log: %s", &logged)
	}
}

func TestSetupLinkWorksOnce(t *testing.T) {
	t.Parallel()
	providers, err := all.Providers()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Providers: providers, BuildProvider: all.Provider})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	link, err := url.Parse(s.SetupURL())
	if err != nil || link.Query().Get("token") == "" {
		t.Fatalf("set-up link %v, %v", link, err)
	}
	h := s.publicHandler()
	set := func(token string) int {
		form := url.Values{"token": {token}, "passphrase": {testPassphrase}, "again": {testPassphrase}, "repeat": {testPassphrase}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/setup", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(deadlined{w}, r)
		return w.Code
	}
	if status := set("guessed"); status < 400 || s.rooms.vault.Initialized() {
		t.Fatalf("with another token: %d", status)
	}
	if status := set(link.Query().Get("token")); status >= 400 || !s.rooms.vault.Initialized() {
		t.Fatalf("with the link's token: %d", status)
	}
	if status := set(link.Query().Get("token")); status < 400 {
		t.Errorf("again: %d", status)
	}
}
