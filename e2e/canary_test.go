package e2e_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// TestCanary stores a key that can be recognised, uses it in every way, and
// looks for it everywhere it must not be. The passphrase goes along.
func TestCanary(t *testing.T) {
	t.Parallel()
	fake, err := openaifake.Start(openaifake.Config{Key: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	dir := t.TempDir()
	p := serve(t, dir, "127.0.0.1:0")
	seen := map[string]string{}
	run := func(stdin string, args ...string) {
		seen["gateway "+strings.Join(args, " ")] = command(t, dir, stdin, args...)
	}
	run("", "init")
	run(canaryKey+"\n", "key", "add", "llm:openai", "--label", "work", "--base-url", fake.BaseURL())
	run("", "key", "list", "--json")
	run("", "key", "test", "work")
	fake.Script(openaifake.Fault{Status: 401, Times: 1})
	run("", "audit", "tail")
	run("", "status", "--json")

	for name, page := range pages(t, dir, p) {
		seen["page "+name] = page
	}
	for _, name := range []string{"cmdline", "environ"} {
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name))
		if err != nil {
			t.Fatal(err)
		}
		seen["/proc/PID/"+name] = string(raw)
	}
	p.kill()
	seen["log"] = p.log.String()
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		seen["file "+d.Name()] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"file keywicket.db", "file audit.jsonl", "log", "page /keys"} {
		if seen[must] == "" {
			t.Errorf("nothing was looked at for %s", must)
		}
	}
	for where, what := range seen {
		for _, secret := range []string{canaryKey, passphrase} {
			if bytes.Contains([]byte(what), []byte(secret)) {
				t.Errorf("a secret is in: %s", where)
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
	for _, path := range []string{"/", "/keys", "/pair", "/requests", "/apps", "/activity", "/device", "/unlock", "/nowhere"} {
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
