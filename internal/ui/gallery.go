package ui

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"

	"github.com/a-h/templ"
)

// specimen is one page of the gallery: a page in one state.
type specimen struct {
	name string // of its file, without the extension
	page templ.Component
}

// Gallery writes every page, filled with fixtures, as an HTML file to dir,
// with an index.html that lists them: looks can be reviewed without a gateway.
// The directory is made if it is not there.
func Gallery(dir string) error {
	if err := os.CopyFS(dir, staticFiles); err != nil {
		return fmt.Errorf("writing gallery: %w (give an empty directory)", err)
	}
	var index strings.Builder
	index.WriteString("<!DOCTYPE html><meta charset=\"utf-8\"><title>Gallery</title><ul>")
	for _, s := range specimens() {
		var b bytes.Buffer
		if err := s.page.Render(context.Background(), &b); err != nil {
			return fmt.Errorf("rendering %s: %w", s.name, err)
		}
		// Relative, so that the files can be opened from disk.
		page := bytes.ReplaceAll(b.Bytes(), []byte(`"/static/`), []byte(`"static/`))
		if err := os.WriteFile(filepath.Join(dir, s.name+".html"), page, 0o644); err != nil {
			return fmt.Errorf("writing gallery: %w", err)
		}
		fmt.Fprintf(&index, `<li><a href="%[1]s.html">%[1]s</a></li>`, html.EscapeString(s.name))
	}
	return os.WriteFile(filepath.Join(dir, "index.html"), []byte(index.String()+"</ul>"), 0o644)
}
