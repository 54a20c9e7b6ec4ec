package e2e_test

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// TestProofsEndWithTheProcess uses proofs, stops the gateway in one way or the
// other, starts it again and sends each once more: none passes a second time.
func TestProofsEndWithTheProcess(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		stop os.Signal
	}{
		{"restart", syscall.SIGTERM},
		{"kill -9", syscall.SIGKILL},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			first, a := servePlain(t)
			used := map[string]string{}
			for name, after := range map[string]time.Duration{"10 s old": -10, "now": 0, "2 s ahead": 2, "8 s ahead": 8, "13 s ahead": 13} {
				f := a.proof()
				dated(after * time.Second)(f)
				used[name] = f.compact(t)
				answer := a.models(t, used[name])
				// The gateway has just been started: of what is older it cannot know.
				if known := after >= 2; known && answer.status != 200 || !known && answer.status != 200 && answer.status != 401 {
					t.Fatalf("first use of a proof dated %s: %d %s", name, answer.status, answer.body)
				}
			}
			if err := first.cmd.Process.Signal(row.stop); err != nil {
				t.Fatal(err)
			}
			<-first.ended

			serve(t, first.dir, strings.TrimPrefix(a.at, "http://"))
			command(t, first.dir, "", "unlock")
			for name, proof := range used {
				if answer := a.models(t, proof); answer.status != 401 || answer.code() != "invalid_dpop_proof" {
					t.Errorf("a proof dated %s, again: %d %s", name, answer.status, answer.body)
				}
			}
			fresh := a.proof()
			dated(2 * time.Second)(fresh)
			if answer := a.models(t, fresh.compact(t)); answer.status != 200 {
				t.Errorf("a new proof: %d %s", answer.status, answer.body)
			}
		})
	}
}

// servePlain starts the binary with a provider key and an app.
func servePlain(t *testing.T) (*process, *plainApp) {
	t.Helper()
	fake, err := openaifake.Start(openaifake.Config{Key: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	at := freeAddress(t)
	p := serve(t, t.TempDir(), at)
	command(t, p.dir, "", "init")
	command(t, p.dir, canaryKey, "key", "add", "llm:openai", "--label", "work", "--base-url", fake.BaseURL(), "--allow-private")
	var made struct {
		PairingString string `json:"pairing_string"`
	}
	out := command(t, p.dir, "", "pair", "--resource", "llm:openai", "--expires", "24h", "--approve", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // proofs of the second of the start are refused
	a := &plainApp{issuer: "http://" + at, at: "http://" + at, key: newAppKey(t, "ES256"), now: time.Now}
	a.pair(t, made.PairingString)
	return p, a
}
