package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedLibraries: what docs/providers.md says that a library is given,
// and where its errors have our code, is what the tests do.
func TestDocumentedLibraries(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(doc), "\n## Client libraries\n")
	if !ok {
		t.Fatal("docs/providers.md has no section on client libraries")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	used := ""
	for _, pattern := range []string{"sdk*_test.go", "node/sdk-*.mjs"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if name != "sdkdocs_test.go" {
				used += string(source)
			}
		}
	}
	quoted := regexp.MustCompile("``(.+?)``|`(.+?)`")
	rows := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "| ") || len(cells) < 4 || cells[1] == " library " {
			continue
		}
		rows++
		for _, match := range quoted.FindAllStringSubmatch(strings.Join(cells[2:], "|"), -1) {
			if code := match[1] + match[2]; !strings.Contains(used, code) {
				t.Errorf("%s: no test does %s", strings.TrimSpace(cells[1]), code)
			}
		}
	}
	if rows != 20 {
		t.Errorf("%d rows were read", rows)
	}
}
