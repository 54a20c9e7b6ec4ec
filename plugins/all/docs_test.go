package all

import (
	"os"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// The table of docs/providers.md is what ships, and its example is a manifest.
func TestDocumentListsWhatShips(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	document := string(data)
	providers, err := Providers()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range providers {
		m := p.Manifest()
		var names []string
		for _, a := range m.Actions {
			names = append(names, a.Name)
		}
		row := "| `" + m.ID + "` | `" + m.BaseURL + "` | " + m.Dialect + " | " + strings.Join(names, ", ")
		if !strings.Contains(document, row+" |") && !strings.Contains(document, row+";") {
			t.Errorf("docs/providers.md has no row\n%s", row)
		}
	}
	_, example, _ := strings.Cut(document, "```json\n")
	example, _, _ = strings.Cut(example, "```")
	m, err := plugins.ParseManifest([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Provider(m); err != nil {
		t.Error(err)
	}
}
