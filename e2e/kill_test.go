package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// binary builds the gateway once for the tests that need a process to kill.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "gateway")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/gateway").CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return path, err
})

// binaryDir is where binary builds; it goes with the last test.
var binaryDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "keywicket-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaryDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// process is a gateway of its own.
type process struct {
	cmd *exec.Cmd
	dir string
	log *logBuffer

	ended chan struct{} // closed then
}

// serve starts the binary on dir and waits until its socket answers.
func serve(t *testing.T, dir, listen string, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{dir: dir, log: &logBuffer{}, ended: make(chan struct{})}
	p.cmd = exec.Command(path, append([]string{"serve", "--data", dir, "--listen", listen, "--log-level", "debug", "--time-zone", middayName()}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "KEYWICKET_PASSPHRASE=")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ends is the test's business
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	for ctx := t.Context(); ; {
		if c, err := admin.Dial(dir); err == nil {
			c.Close()
			return p
		}
		select {
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-p.ended:
			t.Fatalf("the gateway ended: %s", p.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kill ends the process as kill -9 does; killing twice is no harm.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// command runs one of the owner's commands and returns what it printed.
func command(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, append(args, "--data", dir)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "KEYWICKET_PASSPHRASE="+passphrase)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("gateway %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestCapSurvivesKill kills the gateway with -9 while 200 requests run against
// a cap of 50, starts it again and sends as many more: never over 50 in total.
func TestCapSurvivesKill(t *testing.T) {
	t.Parallel()
	fake, err := openaifake.Start(openaifake.Config{Key: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	dir := t.TempDir()
	first := serve(t, dir, freeAddress(t))
	command(t, dir, "", "init")
	command(t, dir, canaryKey, "key", "add", "llm:openai", "--label", "work", "--base-url", fake.BaseURL(), "--allow-private")
	var made struct {
		PairingString string `json:"pairing_string"`
	}
	out := command(t, dir, "", "pair", "--resource", "llm:openai", "--requests-per-day", "50", "--expires", "24h", "--approve", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	c, err := client.Pair(t.Context(), made.PairingString, client.App{Name: "Notes"})
	if err != nil {
		t.Fatal(err)
	}

	hammer(t.Context(), c, 200, func() {
		_ = fake.Wait(t.Context(), func() bool { return fake.Count() >= 20 })
		first.kill()
	})
	before := fake.Count()
	if before < 20 || before > 50 {
		t.Fatalf("the provider saw %d requests before the kill", before)
	}

	listen := strings.TrimPrefix(c.Issuer(), "http://")
	serve(t, dir, listen)
	command(t, dir, "", "unlock")
	hammer(t.Context(), c, 200, nil)
	if n := fake.Count(); n > 50 {
		t.Errorf("the provider saw %d requests in both lives, the cap is 50", n)
	}
	verify := command(t, dir, "", "audit", "verify", "--json")
	if !strings.Contains(verify, `"ok": true`) && !strings.Contains(verify, `"ok":true`) {
		t.Errorf("audit verify: %s", verify)
	}
	checkReached(t, dir, fake.Count())
}

// hammer sends n requests at once, calls meanwhile, and waits for all. How each
// one ends is not its business.
func hammer(ctx context.Context, c *client.Connection, n int, meanwhile func()) {
	ai := sdk(c)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { _, _ = ai.Chat.Completions.New(ctx, question("gpt-4o")) })
	}
	if meanwhile != nil {
		meanwhile()
	}
	wg.Wait()
}

// checkReached counts the audit lines that say a request was about to be
// forwarded: there must be one for each request the provider saw.
func checkReached(t *testing.T, dir string, reached int) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	started := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var event admin.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("audit line: %v", err)
		}
		if event.Kind == "request.started" {
			started++
		}
	}
	if started < reached {
		t.Errorf("the provider saw %d requests, the audit log %d", reached, started)
	}
}
