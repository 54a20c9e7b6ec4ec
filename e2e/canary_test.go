package e2e_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// TestCanary makes one of every kind of secret, uses each in every way, well
// and badly, and looks for all of them everywhere they must not be.
func TestCanary(t *testing.T) {
	t.Parallel()
	fake, err := openaifake.Start(openaifake.Config{Key: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	s := &search{dir: filepath.Join(t.TempDir(), "data"), secrets: map[string][]string{}, seen: map[string]string{}}
	keyFile := filepath.Join(t.TempDir(), "unlock.key")
	s.setUp(t, keyFile)
	p := serve(t, s.dir, "127.0.0.1:0", "--unlock-file", keyFile)
	s.secret("provider key", canaryKey)
	s.run(t, canaryKey+"\n", "key", "add", "llm:openai", "--label", "work", "--base-url", fake.BaseURL(), "--allow-private")

	app := s.pair(t)
	s.mistakes(t, keyFile, fake)
	s.see("answer of models.list", string(app.models(t, app.proof().compact(t)).body))
	s.see("answer to a bad proof", string(app.models(t, "nonsense").body))
	for _, args := range [][]string{
		{"key", "list", "--json"}, {"key", "test", "work"}, {"slot", "list", "--json"}, {"app", "list", "--json"},
		{"app", "show", app.id, "--json"}, {"vault", "rotate"}, {"host-key", "rotate"}, {"audit", "verify"}, {"audit", "export"},
		{"doctor", "--json"}, {"status", "--json"}, {"options", "--json"}, {"backup", filepath.Join(s.dir, "a.backup")}, {"freeze"}, {"thaw"},
		{"audit", "tail", "--lines", "1000", "--json"},
	} {
		s.run(t, "", args...)
	}
	s.hostKey(t)
	for name, page := range pages(t, s.dir, p) {
		s.see("page "+name, page)
	}
	s.process(t, p)
	s.quit(t, p, app, fake)
	s.files(t)
	s.judge(t)
}

// search is what was seen where, and what must not be in it.
type search struct {
	dir     string
	secrets map[string][]string // by kind, in every form in which they could show
	seen    map[string]string
}

func (s *search) see(where, what string) { s.seen[where] = what }

// secret notes a secret, raw and in the encodings that a careless line of code
// would put it in.
func (s *search) secret(kind, text string) {
	raw := []byte(text)
	s.secrets[kind] = append(s.secrets[kind], text, url.QueryEscape(text), hex.EncodeToString(raw),
		base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), fmt.Sprint(raw))
}

// setUp sets a gateway up and learns its recovery code and key file.
func (s *search) setUp(t *testing.T, keyFile string) {
	t.Helper()
	s.secret("passphrase", passphrase)
	var made struct {
		RecoveryCode string `json:"recovery_code"`
	}
	out := command(t, s.dir, "", "init", "--write-key-file", keyFile, "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.RecoveryCode == "" {
		t.Fatalf("init: %v in %s", err, out)
	}
	s.secret("recovery code", made.RecoveryCode)
	s.secret("recovery code", strings.ReplaceAll(made.RecoveryCode, "-", ""))
	raw, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s.secret("key file", strings.TrimSpace(string(raw)))
	s.hostKey(t)
}

// hostKeyValue is the key inside a keyset in host.key.
var hostKeyValue = regexp.MustCompile(`"value": *"([A-Za-z0-9+/=]{40,})"`)

// hostKey notes the host key as it is now.
func (s *search) hostKey(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, "host.key"))
	if err != nil {
		t.Fatal(err)
	}
	found := hostKeyValue.FindAllSubmatch(raw, -1)
	if len(found) < 2 {
		t.Fatalf("only %d keys found in host.key", len(found))
	}
	for _, parts := range found {
		key, err := base64.StdEncoding.DecodeString(string(parts[1]))
		if err != nil {
			t.Fatal(err)
		}
		s.secret("host key", string(key))
	}
}

// run runs a command that succeeds.
func (s *search) run(t *testing.T, stdin string, args ...string) {
	t.Helper()
	s.see("gateway "+strings.Join(args, " "), command(t, s.dir, stdin, args...))
}

// pair pairs an app and learns the pairing code and the app's tokens.
func (s *search) pair(t *testing.T) *plainApp {
	t.Helper()
	var made struct {
		PairingString string `json:"pairing_string"`
	}
	out := command(t, s.dir, "", "pair", "--resource", "llm:openai", "--approve", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	s.secret("pairing code", pairingCode(made.PairingString))
	origin := publicURL(t, s.dir)
	app := &plainApp{issuer: origin, at: origin, key: newAppKey(t, "ES256"), now: func() time.Time { return time.Now().Add(2 * time.Second) }}
	app.pair(t, made.PairingString)
	s.secret("access token", app.access)
	s.secret("refresh token", app.refresh)
	return app
}

// mistakes makes the gateway refuse secrets: an error must not quote them.
func (s *search) mistakes(t *testing.T, keyFile string, fake *openaifake.Server) {
	t.Helper()
	s.secret("mistyped passphrase", "four words and a coma")
	s.secret("refused key", "sk-refused-11d0")
	for i, m := range []struct {
		stdin string
		args  []string
	}{
		{"four words and a coma\n", []string{"unlock", "--passphrase-file", "-"}},
		{s.secrets["recovery code"][0][1:], []string{"unlock", "--recovery-code"}},
		{"0000-0000-0000-0000-0000-0000-0000", []string{"unlock", "--recovery-code"}},
		{"sk-refused-11d0\nsecond line", []string{"key", "add", "llm:openai", "--label", "bad"}},
		{"sk-refused-11d0", []string{"key", "add", "llm:openai", "--label", "work"}},
		{"sk-refused-11d0", []string{"key", "add", "llm:nobody"}},
		{"", []string{"serve", "--unlock-file", keyFile, "--listen", "127.0.0.1:0"}}, // in use
		{"", []string{"export"}},
	} {
		out, err := attempt(t, s.dir, m.stdin, m.args...)
		if err == nil {
			t.Errorf("gateway %s succeeded", strings.Join(m.args, " "))
		}
		s.see(fmt.Sprintf("refusal %d of gateway %s", i, strings.Join(m.args, " ")), out)
	}
	fake.Script(openaifake.Fault{Status: http.StatusUnauthorized, Times: 1})
	out, _ := attempt(t, s.dir, "", "key", "test", "work")
	s.see("key test that fails", out)
}

// attempt runs a command that may fail.
func attempt(t *testing.T, dir, stdin string, args ...string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, append(args, "--data", dir)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "KEYWICKET_PASSPHRASE=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// process looks at what the operating system shows of the gateway. Where core
// dumps are off it may show nothing at all.
func (s *search) process(t *testing.T, p *process) {
	t.Helper()
	for _, name := range []string{"cmdline", "environ"} {
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name))
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			t.Fatal(err)
		}
		s.see("/proc/PID/"+name, string(raw))
	}
}

// quit crashes the gateway while it streams, as a fatal error would, so that
// it prints the stack of everything that runs.
func (s *search) quit(t *testing.T, p *process, app *plainApp, fake *openaifake.Server) {
	t.Helper()
	fake.Script(openaifake.Fault{Endless: true})
	const path = "/r/llm/openai/v1/chat/completions"
	proof := forge(app.key, http.MethodPost, app.issuer+path, app.access, app.now()).compact(t)
	body := `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	answer, err := http.DefaultTransport.RoundTrip(app.request(t, http.MethodPost, path, body, http.Header{
		"Authorization": {"DPoP " + app.access}, "DPoP": {proof}, "Content-Type": {"application/json"},
	}))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("streaming: %v, %v", answer, err)
	}
	defer answer.Body.Close()
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	s.see("log and panic output", p.log.String())
	if !strings.Contains(p.log.String(), "goroutine ") {
		t.Error("no stack was printed")
	}
}

// files reads every file of the data directory, backups included.
func (s *search) files(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		s.see("file "+d.Name(), string(raw))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// judge looks for every secret everywhere. The host key is in its own file.
func (s *search) judge(t *testing.T) {
	t.Helper()
	for _, must := range []string{"file keywicket.db", "file audit.jsonl", "file a.backup", "log and panic output", "page /keys", "gateway audit export"} {
		if s.seen[must] == "" {
			t.Errorf("nothing was looked at for %s", must)
		}
	}
	kinds := []string{"provider key", "passphrase", "recovery code", "key file", "host key", "pairing code", "access token", "refresh token"}
	for _, kind := range kinds {
		if len(s.secrets[kind]) == 0 {
			t.Errorf("no %s was looked for", kind)
		}
	}
	for where, what := range s.seen {
		for kind, forms := range s.secrets {
			if kind == "host key" && where == "file host.key" {
				continue
			}
			for _, form := range forms {
				if strings.Contains(what, form) {
					t.Errorf("a %s is in: %s", kind, where)
					break
				}
			}
		}
	}
}

// pages reads every page of the console that takes no id.
func pages(t *testing.T, dir string, p *process) map[string]string {
	t.Helper()
	origin := publicURL(t, dir)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	answer, err := browser.PostForm(origin+"/sign-in", url.Values{"passphrase": {passphrase}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	read := map[string]string{}
	for _, path := range []string{"/", "/keys", "/providers", "/providers/llm:openai", "/names", "/pair", "/requests", "/apps", "/activity", "/device", "/unlock", "/nowhere"} {
		answer, err := browser.Get(origin + path)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Request.URL.Path != path && path != "/unlock" {
			t.Errorf("%s led to %s: not signed in", path, answer.Request.URL.Path)
		}
		read[path], _ = readAnswer(t, answer)
	}
	return read
}

func publicURL(t *testing.T, dir string) string {
	t.Helper()
	out := command(t, dir, "", "status", "--json")
	_, rest, _ := strings.Cut(out, `"public_url"`)
	_, rest, _ = strings.Cut(rest, `"`)
	value, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no public_url in %s", out)
	}
	return value
}
