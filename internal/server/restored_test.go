package server

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingIsServedFromAnOldDatabase asks every route of the data plane and
// OAuth while the database is an old copy, and again once it is accepted.
func TestNothingIsServedFromAnOldDatabase(t *testing.T) {
	t.Parallel()
	s := opened(t, func(cfg *Config) {
		if err := os.Remove(filepath.Join(cfg.DataDir, "epoch")); err != nil {
			t.Fatal(err)
		}
	})
	refused := func(r route) bool {
		method := r.method
		if method == anyMethod {
			method = http.MethodPost
		}
		answer := httptest.NewRecorder()
		s.publicHandler().ServeHTTP(deadlined{answer}, httptest.NewRequest(method, strings.ReplaceAll(r.path, "*", "llm/openai/v1/models"), nil))
		if answer.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s %s: an answer without a request id", r.method, r.path)
		}
		return answer.Code == http.StatusServiceUnavailable && strings.Contains(answer.Body.String(), codeRestored)
	}
	seen := 0
	for _, r := range s.routes() {
		guarded := strings.HasPrefix(r.path, "/r/") || strings.HasPrefix(r.path, "/v1/") || strings.HasPrefix(r.path, "/oauth/") || strings.HasPrefix(r.path, "/api/") || strings.HasPrefix(r.path, "/.well-known/")
		if guarded {
			seen++
		}
		if refused(r) != guarded {
			t.Errorf("%s %s: refused is %v", r.method, r.path, !guarded)
		}
	}
	if seen < 10 {
		t.Errorf("only %d routes were asked", seen)
	}
	if err := s.rooms.store.AcceptRestore(); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.routes() {
		if refused(r) {
			t.Errorf("%s %s: refused after it was accepted", r.method, r.path)
		}
	}
}
