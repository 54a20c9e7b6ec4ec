package fakeupstream

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// WholeJSON sends a value of JSON as [Whole] does, indented.
func WholeJSON(w http.ResponseWriter, r *http.Request, fault Fault, kind string, value any) {
	if data, ok := indented(w, value); ok {
		Whole(w, r, fault, kind, data)
	}
}

// WriteJSON sends a value of JSON that no fault befalls, indented.
func WriteJSON(w http.ResponseWriter, status int, kind string, value any) {
	data, ok := indented(w, value)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(data) // an error here means that the caller has gone
}

func indented(w http.ResponseWriter, value any) ([]byte, bool) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(w, "encoding the answer", http.StatusInternalServerError)
		return nil, false
	}
	return append(data, '\n'), true
}

// Whole sends an answer that is no stream, as its fault has it.
func Whole(w http.ResponseWriter, r *http.Request, fault Fault, kind string, data []byte) {
	if fault.Garbage {
		data = []byte("<html>\x00\xff\"usage\":{\"prompt_tokens\":1e9,")
	}
	short := fault.WrongSize || fault.CutBytes > 0
	w.Header().Set("Content-Type", kind)
	if short {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)+100))
	}
	w.WriteHeader(http.StatusOK)
	if n := fault.CutBytes; n > 0 {
		data = data[:min(n, len(data))]
	}
	if fault.Trickle <= 0 {
		_, _ = w.Write(data) // an error here means that the caller has gone
	}
	for i := 0; fault.Trickle > 0 && i < len(data); i++ {
		if !pause(r, fault.Trickle) || !write(w, r, data[i:i+1]) {
			return
		}
	}
	if short {
		panic(http.ErrAbortHandler)
	}
}
