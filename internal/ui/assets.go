package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

//go:embed static
var staticFiles embed.FS

// asset is the address of a static file. It carries a hash of the content, so
// that browsers may keep it for good and still see the next version.
func asset(name string) templ.SafeURL {
	data, err := staticFiles.ReadFile(path.Join("static", name))
	if err != nil {
		return templ.SafeURL("/static/" + name)
	}
	sum := sha256.Sum256(data)
	return templ.SafeURL("/static/" + name + "?v=" + hex.EncodeToString(sum[:6]))
}

// static serves one of the files beside this source.
func (u *UI) static(c echo.Context) error {
	name := c.Param("name")
	kind := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}[path.Ext(name)]
	data, err := staticFiles.ReadFile("static/" + path.Base(name))
	if err != nil || kind == "" || path.Base(name) != name {
		return u.asPage(func(echo.Context) error { return echo.ErrNotFound })(c)
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	return c.Blob(http.StatusOK, kind, data)
}
