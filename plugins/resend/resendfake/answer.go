package resendfake

import (
	"net/http"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// fail answers in Resend's error shape.
func fail(w http.ResponseWriter, status int, name, message string) {
	write(w, status, map[string]any{"statusCode": status, "name": name, "message": message})
}

// failWith answers with a status as Resend words it.
func failWith(w http.ResponseWriter, status int) {
	switch status {
	case http.StatusUnauthorized:
		fail(w, status, "restricted_api_key", "This API key is restricted to only send emails")
	case http.StatusForbidden:
		fail(w, status, "invalid_api_key", "API key is invalid")
	case http.StatusUnprocessableEntity:
		fail(w, status, "validation_error", "Invalid `to` field.")
	case http.StatusTooManyRequests:
		fail(w, status, "rate_limit_exceeded", "Too many requests. You can only make 2 requests per second.")
	default:
		fail(w, status, "application_error", "An unexpected error occurred.")
	}
}

func write(w http.ResponseWriter, status int, value any) {
	fakeupstream.WriteJSON(w, status, "application/json; charset=utf-8", value)
}

func (f *Fake) domains(w http.ResponseWriter) {
	data := []map[string]any{}
	for i, name := range f.cfg.Domains {
		data = append(data, map[string]any{"id": newID(i), "name": name, "status": "verified", "region": "us-east-1"})
	}
	write(w, http.StatusOK, map[string]any{"object": "list", "data": data})
}

func (f *Fake) get(w http.ResponseWriter, id string) {
	for _, m := range f.Sent() {
		if m.ID == id {
			write(w, http.StatusOK, map[string]any{
				"object": "email", "id": m.ID, "from": m.From, "to": m.To, "created_at": "2026-11-21 12:00:00.000000+00", "last_event": "delivered",
			})
			return
		}
	}
	fail(w, http.StatusNotFound, "not_found", "Email not found")
}
