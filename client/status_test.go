package client_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
)

// TestStatus reads what a gateway tells an app, and how it says that it tells nothing.
func TestStatus(t *testing.T) {
	t.Parallel()
	const document = `{"id":"app_1","name":"Notes","status":"active","session":{"id":"ses_1"},
		"permissions":[{"resource":"llm:openai","models":["gpt-4o*"],"expires_at":"2030-01-02T03:04:05Z","limits":[{"per":"day","dollars":"1.5","tokens":7}],
			"usage":[{"per":"day","unit":"dollars","limit":1500000000,"used":38,"held":2,"resets_at":"2029-01-01T00:00:00Z"}],
			"totals":{"requests":3,"input_tokens":52,"cached_tokens":10,"cache_write_tokens":1,"output_tokens":9,"cost_nano_dollars":142}}],
		"usage":{"today":{"requests":3,"denied":2,"errors":1},"last_30_days":{"requests":5,"cost_nano_dollars":7},"models":[{"model":"gpt-4o","requests":5}]},"later":1}`
	g := newGateway(t)
	body, status := document, http.StatusOK
	g.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/app" || r.Header.Get("DPoP") == "" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
	c := paired(t, g)
	got, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := got.Permissions[0]
	if got.ID != "app_1" || got.Name != "Notes" || got.State != "active" || p.Resource != "llm:openai" || p.Models[0] != "gpt-4o*" || p.ExpiresAt.Year() != 2030 {
		t.Errorf("got %+v", got)
	}
	if p.Limits[0] != (client.Limit{Per: "day", Dollars: "1.5", Tokens: 7}) || p.Left[0].Used != 38 || p.Left[0].Held != 2 || !p.Left[0].ResetsAt.Equal(time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("limits: %+v %+v", p.Limits, p.Left)
	}
	if p.Totals != (client.Totals{Requests: 3, InputTokens: 52, CachedTokens: 10, CacheWriteTokens: 1, OutputTokens: 9, Cost: 142}) {
		t.Errorf("totals: %+v", p.Totals)
	}
	if u := got.Usage; u.Today.Denied != 2 || u.Today.Errors != 1 || u.Last30Days.Cost != 7 || u.Models[0].Model != "gpt-4o" || u.Models[0].Requests != 5 {
		t.Errorf("usage: %+v", u)
	}
	body, status = `{"error":"proofs_exhausted"}`, http.StatusServiceUnavailable
	if _, err := c.Status(t.Context()); !errors.Is(err, client.ErrProofsExhausted) {
		t.Errorf("refused: %v", err)
	}
	body, status = `<html>`, http.StatusOK
	if _, err := c.Status(t.Context()); err == nil {
		t.Error("a page was taken for an answer")
	}
}
