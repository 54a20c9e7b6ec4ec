package ui_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/keywicket/keywicket/internal/ui"
)

// TestBrowserGallery opens every page of the gallery in a browser, under the content
// security policy of the console, at every look: nothing may stick out of the
// window, be without a label or make the browser complain.
func TestBrowserGallery(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := ui.Gallery(dir); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("the gallery has %d pages (%v)", len(pages), err)
	}
	files := http.FileServer(http.Dir(dir))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", ui.ContentPolicy)
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)

	// The pictures of the gallery have a folder of their own.
	shots := ""
	if out := os.Getenv("KEYWICKET_SCREENSHOTS"); out != "" {
		shots = filepath.Join(out, "gallery")
		if err := os.MkdirAll(shots, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b := openBrowser(t)
	for _, l := range looks {
		b.look(l)
		for _, page := range pages {
			name := strings.TrimSuffix(filepath.Base(page), ".html")
			if name == "index" || name == "arrival" { // arrival moves on by itself
				continue
			}
			b.do("opening "+name, chromedp.Navigate(srv.URL+"/"+name+".html"))
			b.inspect(name + " " + l.name)
			if shots != "" {
				b.shoot(shots, name+"-"+l.name)
			}
		}
	}
}
