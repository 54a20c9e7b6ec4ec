package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/server"
)

// TestJavaScriptLibraries pairs and calls with libraries that have never heard
// of Keywicket, unmodified: discovery, registration, device grant or code flow, a
// streamed call, renewal, revocation, with and without server nonces. The owner
// approves while the library waits.
func TestJavaScriptLibraries(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("node/node_modules"); err != nil {
		t.Fatal("the JavaScript libraries are not installed: run go tool task node")
	}
	for _, row := range []struct {
		library, grant string
		nonces         bool
	}{
		{"openid-client", "device", false}, {"openid-client", "code", false},
		{"openid-client", "device", true}, {"openid-client", "code", true},
		{"oauth4webapi", "device", false}, {"oauth4webapi", "code", false},
		{"oauth4webapi", "device", true}, {"oauth4webapi", "code", true},
		{"dpop", "device", false}, {"dpop", "code", false},
		{"dpop", "device", true}, {"dpop", "code", true},
	} {
		t.Run(fmt.Sprintf("%s/%s/nonces=%v", row.library, row.grant, row.nonces), func(t *testing.T) {
			t.Parallel()
			g := start(t, func(cfg *server.Config) { cfg.DPoPNonce = row.nonces })
			made, err := g.Admin.Pair(t.Context(), admin.PairInput{})
			if err != nil {
				t.Fatal(err)
			}
			steps := flow(t, g, row.library, row.grant, made.PairingString)
			for step, want := range map[string]string{
				"register_again":       `"status":401,"error":"invalid_token"`, // the string is spent
				"token":                `"expires_in":300`,
				"call":                 `"status":200,"type":"text/event-stream`,
				"call_as_bearer":       `"status":401,"error":"invalid_token"`,
				"refresh":              `"scope":"llm:openai"`,
				"call_after_refresh":   `"ended":true`,
				"call_after_revoke":    `"status":401,"error":"invalid_token"`,
				"refresh_after_revoke": `"error":"invalid_grant"`,
				"done":                 "",
			} {
				if line, ok := steps[step]; !ok || !strings.Contains(string(line), want) {
					t.Errorf("step %s: %s, want %s", step, line, want)
				}
			}
			if n := g.Fake.Count(); n != 2 {
				t.Errorf("the provider saw %d requests, want the two calls that held good", n)
			}
		})
	}
}

// flow runs the script, approves when it asks, and returns its lines by step.
func flow(t *testing.T, g *gateway, library, grant, pairingString string) map[string]jsontext.Value {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "flow.mjs", library, grant)
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "KEYWICKET_PAIRING_STRING="+pairingString)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	steps := map[string]jsontext.Value{}
	lines := json.NewDecoder(out)
	for lines.More() {
		var line json.RawMessage
		if err := lines.Decode(&line); err != nil {
			t.Errorf("line of the script: %v", err)
			break
		}
		var head struct{ Step, URL string }
		if err := json.Unmarshal(line, &head); err != nil {
			t.Errorf("line of the script: %v", err)
		}
		t.Logf("%s: %s", library, line)
		steps[head.Step] = jsontext.Value(line)
		switch head.Step {
		case "ask":
			approveOnly(t, g)
		case "authorize":
			fmt.Fprintln(in, g.owner(t).approve(t, head.URL))
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", library, err, complaints.String())
	}
	return steps
}

func approveOnly(t *testing.T, g *gateway) {
	t.Helper()
	requests, err := g.Admin.Requests(t.Context())
	if err != nil || len(requests) != 1 {
		t.Errorf("got %d requests, %v", len(requests), err)
		return
	}
	if _, err := g.Admin.Approve(t.Context(), requests[0].ID, admin.ApproveInput{}); err != nil {
		t.Error(err)
	}
}
