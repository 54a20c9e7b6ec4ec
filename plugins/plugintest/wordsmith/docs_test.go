package wordsmith

import (
	"os"
	"strings"
	"testing"
)

// The Go in docs/providers.md is this package's own, to the letter.
func TestDocumentQuotesThisPackage(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, name := range []string{"wordsmith.go", "wordsmith_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	quoted := strings.Split(string(document), "```go\n")[1:]
	for _, quote := range quoted {
		quote, _, _ = strings.Cut(quote, "```")
		if !strings.Contains(source.String(), quote) {
			t.Errorf("docs/providers.md quotes what is not there:\n%s", quote)
		}
	}
	if len(quoted) < 5 {
		t.Errorf("only %d quotes found", len(quoted))
	}
}
