package anthropicfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

func errorBody(kind, message string) map[string]any {
	return map[string]any{
		"type": "error", "request_id": "req_fake",
		"error": map[string]any{"type": kind, "message": message, "details": nil},
	}
}

func writeError(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, errorBody(kind, message))
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	fakeupstream.WriteJSON(w, status, "application/json", value)
}

// fail answers with a status as Anthropic words it.
func fail(w http.ResponseWriter, fault fakeupstream.Fault) {
	fault.Header(w.Header())
	kind, message := "api_error", "Internal server error"
	switch fault.Status {
	case http.StatusBadRequest:
		kind, message = "invalid_request_error", "Your credit balance is too low to access the Anthropic API."
	case http.StatusUnauthorized:
		kind, message = "authentication_error", "invalid x-api-key"
	case http.StatusForbidden:
		kind, message = "permission_error", "Your API key does not have permission to use the specified resource."
	case http.StatusTooManyRequests:
		kind, message = "rate_limit_error", "This request would exceed your account's rate limit. Please try again later."
	case 529:
		kind, message = "overloaded_error", "Overloaded"
	}
	writeError(w, fault.Status, kind, message)
}

// models is GET /v1/models.
func (f *Fake) models(w http.ResponseWriter) {
	list := make([]map[string]any, len(f.cfg.Models))
	for i, id := range f.cfg.Models {
		list[i] = map[string]any{"type": "model", "id": id, "display_name": "Fake " + id, "created_at": time.Unix(1735689600, 0).UTC()}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"data": list, "has_more": false, "first_id": f.cfg.Models[0], "last_id": f.cfg.Models[len(list)-1],
	})
}

// count is POST /v1/messages/count_tokens.
func (f *Fake) count(w http.ResponseWriter, call fakeupstream.Call) {
	req, ok := f.accept(w, call)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"input_tokens": promptTokens(req)})
}

// accept reads a request with a prompt and writes Anthropic's refusal of one
// that it cannot answer.
func (f *Fake) accept(w http.ResponseWriter, call fakeupstream.Call) (request, bool) {
	var req request
	if err := json.Unmarshal(call.Body, &req); err != nil {
		writeError(w, http.StatusBadRequest, "invalid_request_error", "The request body is not valid JSON: "+err.Error())
		return req, false
	}
	known := false
	for _, model := range f.cfg.Models {
		known = known || model == req.Model
	}
	switch {
	case !known:
		writeError(w, http.StatusNotFound, "not_found_error", fmt.Sprintf("model: %s", req.Model))
	case len(req.Messages) == 0:
		writeError(w, http.StatusBadRequest, "invalid_request_error", "messages: at least one message is required")
	case req.Thinking.Type == "enabled" && req.MaxTokens <= req.Thinking.BudgetTokens:
		writeError(w, http.StatusBadRequest, "invalid_request_error", "`max_tokens` must be greater than `thinking.budget_tokens`.")
	default:
		return req, true
	}
	return req, false
}
