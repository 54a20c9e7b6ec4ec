package openaifake

import (
	"net/http"
	"strings"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// apiError is OpenAI's error object; param and code are null when empty.
type apiError struct {
	Message string
	Type    string
	Param   string
	Code    string
}

func writeError(w http.ResponseWriter, status int, e apiError) {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"message": e.Message, "type": e.Type, "param": orNull(e.Param), "code": orNull(e.Code),
	}})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	fakeupstream.WriteJSON(w, status, "application/json", value)
}

// refuseKey is OpenAI's answer to a missing or wrong key. Like the real one it
// quotes the key's ends.
func (f *Fake) refuseKey(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="OpenAI API"`)
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if key == "" {
		writeError(w, http.StatusUnauthorized, apiError{
			Message: "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
			Type:    "invalid_request_error",
		})
		return
	}
	masked := strings.Repeat("*", min(len(key), 20))
	if len(key) > 12 {
		masked = key[:3] + masked + key[len(key)-4:]
	}
	writeError(w, http.StatusUnauthorized, apiError{
		Message: "Incorrect API key provided: " + masked + ". You can find your API key at https://platform.openai.com/account/api-keys.",
		Type:    "invalid_request_error",
		Code:    "invalid_api_key",
	})
}

// models is GET /v1/models.
func (f *Fake) models(w http.ResponseWriter) {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	list := make([]model, len(f.cfg.Models))
	for i, id := range f.cfg.Models {
		list[i] = model{ID: id, Object: "model", Created: 1715367049, OwnedBy: "system"}
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}
