package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// What a handler panicked with may be a secret; where, is what helps.
func TestPanicIsLoggedByItsPlace(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &Server{cfg: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	e := newEcho()
	e.Use(s.recoverer())
	e.GET("/", func(echo.Context) error { panic("a secret") })
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "a secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if told := log.String(); !strings.Contains(told, "TestPanicIsLoggedByItsPlace") || strings.Contains(told, "a secret") {
		t.Errorf("logged: %s", told)
	}
}
