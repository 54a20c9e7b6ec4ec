package openai

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// The last event of a cut stream is an error in both shapes that clients know:
// the member error of a chunk, and the event "error" of a response.
func TestErrorEventHasBothShapes(t *testing.T) {
	t.Parallel()
	event := provider(t).ErrorEvent(plugins.Failure{Status: 429, Code: "budget_held", Message: "try again", RequestID: "req_1", Param: "model"})
	var got struct {
		Type, Code, Message, Param string
		Sequence                   *int64 `json:"sequence_number"`
		Error                      struct {
			Type, Code, Message, Param string
			RequestID                  string `json:"request_id"`
		}
	}
	if err := json.Unmarshal(plugins.EventData(event), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "error" || got.Code != "budget_held" || got.Message != "try again" || got.Param != "model" || got.Sequence == nil {
		t.Errorf("as an event of a response: %+v", got)
	}
	if e := got.Error; e.Type != "rate_limit_error" || e.Code != "budget_held" || e.Message != "try again" || e.Param != "model" || e.RequestID != "req_1" {
		t.Errorf("as a chunk: %+v", e)
	}
}

// What a model reads through these is not in the request.
func TestChatInputThatIsUnknown(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for part, unknown := range map[string]bool{
		`{"type":"text","text":"see https://example.com/file_id"}`:                       false,
		`{"type":"file","file":{"file_id":"file-1"}}`:                                    true,
		`{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0="}}`:    true,
		`{"type":"video_url","video_url":{"url":"https://example.com/a.mp4"}}`:           true,
		`{"type":"document_url","document_url":"https://example.com/a.pdf"}`:             true,
		`{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}`:     true,
		`{"type":"text","text":"x","Video_URL":"https://example.com/a.mp4"}`:             true,
		`{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}`:           false,
		`{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}`:        false,
		`{"type":"refusal","refusal":"no","annotations":[{"url_citation":{"url":"x"}}]}`: false,
	} {
		call, err := p.Describe(chatRequest(`{"model":"gpt-4o","messages":[{"role":"user","content":[` + part + `]}]}`))
		if err != nil || call.Facts.InputUnknown != unknown {
			t.Errorf("%s: unknown is %v, want %v (%v)", part, call.Facts.InputUnknown, unknown, err)
		}
	}
	call, err := p.Describe(chatRequest(`{"model":"gpt-4o","messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}`))
	if err != nil || !call.Facts.InputUnknown {
		t.Errorf("earlier sound: %+v, %v", call, err)
	}
}

func TestWhatIsTakenAsAnUpload(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for endpoint, takes := range map[string]bool{
		"POST /v1/audio/transcriptions": true, "POST /audio/translations": true, "POST /v1/images/edits": true,
		"POST /v1/audio/speech": false, "POST /v1/chat/completions": false, "GET /v1/audio/transcriptions": false,
		"POST /v1/v1/audio/transcriptions": false, "POST /v1/files": false, "POST /v1/audio/transcriptions/": false,
	} {
		method, path := endpoint[:len("POST")], endpoint[len("POST "):]
		if method == "GET " {
			method, path = http.MethodGet, endpoint[len("GET "):]
		}
		if got := p.TakesUpload(plugins.Request{Method: method, Path: path}); got != takes {
			t.Errorf("%s: %v", endpoint, got)
		}
	}
}
