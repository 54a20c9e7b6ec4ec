package keywicket_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/keywicket/keywicket/"

// allowed is the import diagram of docs/architecture.md: for each room, the
// rooms it may import. A trailing /... stands for every package below. The
// first row that matches a package counts.
var allowed = []struct{ room, may string }{
	{"cmd/gateway", "internal/server internal/admin internal/doctor internal/policy internal/policy/price client plugins plugins/all plugins/openai/openaifake"},
	{"internal/server", "internal/... plugins"},
	{"internal/admin", "internal/alerts internal/doctor internal/owner internal/pairing internal/policy internal/policy/price internal/audit internal/providers internal/usage internal/vault plugins"},
	{"internal/ui/gallery", "internal/..."},
	{"internal/ui", "internal/alerts internal/owner internal/pairing internal/policy internal/policy/price internal/audit internal/providers internal/usage internal/vault plugins"},
	{"internal/proxy/spool", ""},
	{"internal/proxy", "internal/proxy/spool internal/pairing internal/pairing/dpop internal/policy internal/policy/price internal/audit internal/providers internal/vault plugins"},
	{"internal/pairing/dpop", ""},
	{"internal/pairing", "internal/store internal/audit internal/policy internal/pairing/dpop"},
	{"internal/policy/wildcard", ""},
	{"internal/policy/price", "internal/store internal/policy/wildcard"},
	{"internal/policy", "internal/store internal/policy/price internal/policy/wildcard"},
	{"internal/audit", "internal/store"},
	{"internal/owner", "internal/store"},
	{"internal/usage", "internal/store"},
	{"internal/providers", "internal/store plugins"},
	{"internal/alerts", "internal/store"},
	{"internal/vault", "internal/store"},
	{"internal/store", ""},
	{"internal/doctor", ""},
	{"plugins/all", "plugins plugins/..."},
	{"plugins/tokenizer", ""},
	{"plugins/fakeupstream", ""},
	{"plugins/anthropic/anthropicfake", "plugins/fakeupstream"},
	{"plugins/gemini/geminifake", "plugins/fakeupstream"},
	{"plugins/openai/openaifake", "plugins/fakeupstream"},
	{"plugins/resend/resendfake", "plugins/fakeupstream"},
	{"plugins/...", "plugins plugins/tokenizer"},
	{"plugins", ""},
	{"client", "internal/pairing/dpop"},
	{"e2e", ""},
	{"bench", "internal/server internal/admin internal/store internal/audit internal/policy internal/pairing internal/pairing/dpop plugins/all"},
}

// TestImportsRunDownwards keeps the rooms apart. Tests may import what they
// like; what is built into the binary may not.
func TestImportsRunDownwards(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	checked := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from, ours := strings.CutPrefix(fields[0], module)
		if !ours {
			continue
		}
		may, known := rule(from)
		if !known {
			t.Errorf("%s is in no row of the import table: give it a room", from)
			continue
		}
		for _, path := range fields[1:] {
			to, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			checked++
			if !matchesAny(may, to) {
				t.Errorf("%s must not import %s", from, to)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d imports seen: the check looks at the wrong thing", checked)
	}
}

func rule(room string) (may []string, known bool) {
	for _, row := range allowed {
		if matchesAny([]string{row.room}, room) {
			return strings.Fields(row.may), true
		}
	}
	return nil, false
}

func matchesAny(patterns []string, room string) bool {
	for _, p := range patterns {
		if below, wild := strings.CutSuffix(p, "..."); p == room || wild && strings.HasPrefix(room, below) {
			return true
		}
	}
	return false
}
