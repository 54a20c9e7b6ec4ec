package policy

import (
	"os"
	"strings"
	"testing"
)

// The examples of the protocol's description are ones that the gateway takes,
// and the request passes the document.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	example := func(heading string) []byte {
		_, after, _ := strings.Cut(string(text), heading)
		_, after, _ = strings.Cut(after, "```json\n")
		block, _, found := strings.Cut(after, "```")
		if !found {
			t.Fatalf("no example under %q", heading)
		}
		return []byte(block)
	}
	d, err := Parse(example("## The policy document"), noon)
	if err != nil {
		t.Fatal(err)
	}
	req, err := ParseRequest(example("### A described request"), d, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"hours", "addresses", "max_input_tokens", "mail", "tokens", "dollars"} {
		if !strings.Contains(string(example("## The policy document")), `"`+member+`"`) {
			t.Errorf("%s is not in the example", member)
		}
	}
	req.Zone = noon.Location()
	d.Tools, d.RequireBodyHash = Allow, false
	for _, c := range d.Check(req) {
		if c.Result == Fail && c.Rule != "price" {
			t.Errorf("%s: %s", c.Rule, c.Reason)
		}
	}
}
