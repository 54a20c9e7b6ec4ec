package geminifake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// request is what the fake reads of a request, with encoding/json as a lenient
// server would, in both spellings.
type request struct {
	Contents []content `json:"contents"`
	Tools    []struct {
		Functions []struct {
			Name string `json:"name"`
		} `json:"functionDeclarations"`
	} `json:"tools"`
	ToolConfig struct {
		Calling struct {
			Mode string `json:"mode"`
		} `json:"functionCallingConfig"`
	} `json:"toolConfig"`
	Config      config `json:"generationConfig"`
	ConfigSnake config `json:"generation_config"`
}

type config struct {
	MaxOutputTokens int `json:"maxOutputTokens"`
	MaxOutputSnake  int `json:"max_output_tokens"`
	CandidateCount  int `json:"candidateCount"`
}

type content struct {
	Parts []struct {
		Text string `json:"text"`
	} `json:"parts"`
}

// answer is what one request is answered with, ready to be sent whole or in
// pieces.
type answer struct {
	cfg     Config
	id      string
	model   string
	words   []string
	call    string // the function called instead
	finish  string
	choices int
	prompt  int64
}

func (f *Fake) generate(w http.ResponseWriter, r *http.Request, to target, call fakeupstream.Call) {
	var req request
	if !decode(w, call, &req) {
		return
	}
	if len(req.Contents) == 0 {
		writeError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified")
		return
	}
	a := f.compose(req, to, call)
	switch {
	case to.verb == "generateContent":
		whole := a.response(strings.Join(a.words, ""), true, !call.Fault.NoUsage)
		fakeupstream.WholeJSON(w, r, call.Fault, "application/json; charset=UTF-8", whole)
	case r.URL.Query().Get("alt") == "sse":
		f.events(w, r, a, call.Fault)
	default:
		f.array(w, r, a, call.Fault)
	}
}

// compose makes an answer; the output cap cuts it short as the real one would.
// When a function must be called, the first is.
func (f *Fake) compose(req request, to target, call fakeupstream.Call) answer {
	a := answer{
		cfg: f.cfg, id: fmt.Sprintf("fake%06d", call.Number), model: to.model, words: fakeupstream.Split(f.cfg.Answer),
		finish: "STOP", choices: max(req.Config.CandidateCount, 1), prompt: promptTokens(req.Contents),
	}
	for _, limit := range []int{req.Config.MaxOutputTokens, req.Config.MaxOutputSnake, req.ConfigSnake.MaxOutputTokens, req.ConfigSnake.MaxOutputSnake} {
		if limit > 0 && limit < len(a.words) && !call.Fault.Endless {
			a.words, a.finish = a.words[:limit], "MAX_TOKENS"
		}
	}
	if req.ToolConfig.Calling.Mode == "ANY" && len(req.Tools) > 0 && len(req.Tools[0].Functions) > 0 {
		a.call, a.words = req.Tools[0].Functions[0].Name, []string{"fox"}
	}
	return a
}

// promptTokens counts words and some tokens of overhead for each content. It is
// deterministic, so that tests can expect it.
func promptTokens(contents []content) int64 {
	n := 1
	for _, c := range contents {
		n += 2
		for _, part := range c.Parts {
			n += len(strings.Fields(part.Text))
		}
	}
	return int64(n)
}

// response is one part of a stream, or all of an answer: text for every
// candidate, and usage as it is after so many words.
func (a answer) response(text string, last, withUsage bool) map[string]any {
	response := map[string]any{"modelVersion": a.model, "responseId": a.id}
	var candidates []any
	for i := range a.choices {
		part := map[string]any{"text": text}
		if a.call != "" {
			part = map[string]any{"functionCall": map[string]any{"name": a.call, "args": map[string]any{"word": text}}}
		}
		candidate := map[string]any{"index": i, "content": map[string]any{"role": "model", "parts": []any{part}}}
		if last {
			candidate["finishReason"] = a.finish
		}
		candidates = append(candidates, candidate)
	}
	response["candidates"] = candidates
	if withUsage {
		response["usageMetadata"] = a.usage(len(a.words))
	}
	return response
}

// usage is Google's accounting after so many words of every candidate. The fake
// counts a token per word.
func (a answer) usage(words int) map[string]any {
	said := int64(words * a.choices)
	return map[string]any{
		"promptTokenCount": a.prompt + a.cfg.Cached, "cachedContentTokenCount": a.cfg.Cached, "toolUsePromptTokenCount": a.cfg.ToolUse,
		"candidatesTokenCount": said, "thoughtsTokenCount": a.cfg.Thoughts,
		"totalTokenCount":     a.prompt + a.cfg.Cached + a.cfg.ToolUse + said + a.cfg.Thoughts,
		"promptTokensDetails": []any{map[string]any{"modality": "TEXT", "tokenCount": a.prompt}},
	}
}

// pieces sends an answer word by word; usage is what it is by then.
func (f *Fake) pieces(s *fakeupstream.Stream, a answer, fault Fault, send func(any) bool) {
	sent := 0
	_, failed := s.Words(a.words, func(word string) bool {
		sent++
		response := a.response(word, sent == len(a.words) && !fault.Endless, false)
		if !fault.NoUsage {
			response["usageMetadata"] = a.usage(sent)
		}
		return send(response)
	})
	if failed {
		send(errorBody(http.StatusServiceUnavailable, "UNAVAILABLE", "The model is overloaded. Please try again later."))
	}
}

// events is a stream of events, as alt=sse asks for.
func (f *Fake) events(w http.ResponseWriter, r *http.Request, a answer, fault Fault) {
	s := fakeupstream.NewStream(w, r, fault, "text/event-stream", f.cfg.WordDelay)
	f.pieces(s, a, fault, func(response any) bool {
		data, err := json.Marshal(response)
		return err == nil && s.Write("data: "+string(data)+"\r\n\r\n")
	})
}

// array is a stream without events: an array that grows.
func (f *Fake) array(w http.ResponseWriter, r *http.Request, a answer, fault Fault) {
	s := fakeupstream.NewStream(w, r, fault, "application/json; charset=UTF-8", f.cfg.WordDelay)
	before := "["
	f.pieces(s, a, fault, func(response any) bool {
		data, err := json.MarshalIndent(response, "", "  ")
		ok := err == nil && s.Write(before+string(data))
		before = "\n,\r\n"
		return ok
	})
	s.Write("\n]\n")
}
