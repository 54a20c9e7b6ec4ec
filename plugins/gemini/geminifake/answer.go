package geminifake

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

func errorBody(status int, name, message string) map[string]any {
	return map[string]any{"error": map[string]any{"code": status, "message": message, "status": name}}
}

func writeError(w http.ResponseWriter, status int, name, message string) {
	writeJSON(w, status, errorBody(status, name, message))
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	fakeupstream.WriteJSON(w, status, "application/json; charset=UTF-8", value)
}

// fail answers with a status as Google words it.
func fail(w http.ResponseWriter, fault Fault) {
	fault.Header(w.Header())
	name, message := "INTERNAL", "An internal error has occurred. Please retry."
	switch fault.Status {
	case http.StatusBadRequest:
		name, message = "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."
	case http.StatusForbidden:
		name, message = "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."
	case http.StatusTooManyRequests:
		name, message = "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."
	case http.StatusServiceUnavailable:
		name, message = "UNAVAILABLE", "The model is overloaded. Please try again later."
	}
	writeError(w, fault.Status, name, message)
}

func modelOf(id string) map[string]any {
	return map[string]any{
		"name": "models/" + id, "version": "001", "displayName": "Fake " + id, "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
		"supportedGenerationMethods": []string{"generateContent", "countTokens"},
	}
}

func (f *Fake) list(w http.ResponseWriter) {
	models := make([]any, len(f.cfg.Models))
	for i, id := range f.cfg.Models {
		models[i] = modelOf(id)
	}
	writeJSON(w, http.StatusOK, map[string]any{"models": models})
}

// decode reads a body, or writes Google's refusal of one that is not JSON.
func decode(w http.ResponseWriter, call fakeupstream.Call, into any) bool {
	if err := json.Unmarshal(call.Body, into); err != nil {
		writeError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received. "+err.Error())
		return false
	}
	return true
}

func (f *Fake) count(w http.ResponseWriter, call fakeupstream.Call) {
	var req struct {
		Contents []content `json:"contents"`
		Request  struct {
			Contents []content `json:"contents"`
		} `json:"generateContentRequest"`
	}
	if decode(w, call, &req) {
		writeJSON(w, http.StatusOK, map[string]any{"totalTokens": promptTokens(append(req.Contents, req.Request.Contents...))})
	}
}

type embedRequest struct {
	Model   string  `json:"model"`
	Content content `json:"content"`
}

func (f *Fake) embed(w http.ResponseWriter, call fakeupstream.Call) {
	var req embedRequest
	if decode(w, call, &req) {
		writeJSON(w, http.StatusOK, map[string]any{"embedding": vector()})
	}
}

func (f *Fake) batch(w http.ResponseWriter, to target, call fakeupstream.Call) {
	var req struct {
		Requests []embedRequest `json:"requests"`
	}
	if !decode(w, call, &req) {
		return
	}
	vectors := make([]any, len(req.Requests))
	for i, r := range req.Requests {
		if strings.TrimPrefix(r.Model, "models/") != to.model {
			writeError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "model in request must match the one in the path")
			return
		}
		vectors[i] = vector()
	}
	writeJSON(w, http.StatusOK, map[string]any{"embeddings": vectors})
}

func vector() map[string]any { return map[string]any{"values": []float64{0.01, -0.02, 0.03}} }
