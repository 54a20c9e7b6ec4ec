package openaifake

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const hugeEvent = 16 << 20 // bytes

// call is one request on its way through the fake.
type call struct {
	f      *Fake
	w      http.ResponseWriter
	r      *http.Request
	number int
	body   []byte
	fault  Fault
	words  int // streamed so far
}

// decode reads a JSON body with encoding/json, as a lenient server would; false
// after an error has been sent.
func (c *call) decode(into any) bool {
	if json.Unmarshal(c.body, into) == nil {
		return true
	}
	writeError(c.w, http.StatusBadRequest, apiError{
		Message: "We could not parse the JSON body of your request.", Type: "invalid_request_error",
	})
	return false
}

// whole sends an answer that is no stream, as a value of JSON.
func (c *call) whole(value any) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(c.w, "encoding the answer", http.StatusInternalServerError)
		return
	}
	c.bytes("application/json", append(data, '\n'))
}

// bytes sends an answer that is no stream.
func (c *call) bytes(media string, data []byte) {
	if c.fault.Garbage {
		data = []byte("<html>\x00\xff\"usage\":{\"prompt_tokens\":1e9,")
	}
	c.w.Header().Set("Content-Type", media)
	if c.fault.WrongSize || c.fault.CutBytes > 0 {
		c.w.Header().Set("Content-Length", strconv.Itoa(len(data)+100))
	}
	c.w.WriteHeader(http.StatusOK)
	if n := c.fault.CutBytes; n > 0 {
		data = data[:min(n, len(data))]
	}
	if c.fault.Trickle <= 0 {
		_, _ = c.w.Write(data) // an error here means that the caller has gone
	}
	for i := 0; c.fault.Trickle > 0 && i < len(data); i++ {
		if !c.pause(c.fault.Trickle) || !c.write(string(data[i:i+1])) {
			return
		}
	}
	if c.fault.WrongSize || c.fault.CutBytes > 0 {
		panic(http.ErrAbortHandler)
	}
}

// begin starts a stream.
func (c *call) begin() {
	c.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	c.w.Header().Set("Cache-Control", "no-cache")
	c.w.WriteHeader(http.StatusOK)
}

// word comes before each word of a stream: after its delay, unless a fault
// intervenes. False ends the stream.
func (c *call) word() bool {
	at := func(n int) bool { return n > 0 && c.words == n }
	ok := true
	switch {
	case at(c.fault.CutAfter):
		panic(http.ErrAbortHandler) // the way to break a connection off
	case at(c.fault.Stall):
		<-c.r.Context().Done()
		return false
	case at(c.fault.ErrorAfter):
		c.write(`data: {"error":{"message":"` + serverTrouble + `","type":"server_error","param":null,"code":null}}` + "\n\n")
		return false
	case at(c.fault.GarbageAfter):
		ok = c.write("<html>\x00\xff busy\n\ndata: {\"choices\":[\n\n")
	case at(c.fault.HugeAfter):
		size := c.fault.HugeBytes
		if size == 0 {
			size = hugeEvent
		}
		ok = c.write("data: " + strings.Repeat("x", size) + "\n\n")
	}
	delay := c.f.cfg.WordDelay
	if c.fault.WordDelay > 0 {
		delay = c.fault.WordDelay
	}
	c.words++
	return ok && c.pause(delay)
}

// event sends data without a name, named one with the name that is its type.
func (c *call) event(value any) bool {
	data, err := json.Marshal(value)
	return err == nil && c.write("data: "+string(data)+"\n\n")
}

func (c *call) named(name string, value map[string]any) bool {
	value["type"] = name
	data, err := json.Marshal(value)
	return err == nil && c.write("event: "+name+"\ndata: "+string(data)+"\n\n")
}

// write sends and flushes; false when the caller has gone.
func (c *call) write(text string) bool {
	if _, err := c.w.Write([]byte(text)); err != nil {
		return false
	}
	return http.NewResponseController(c.w).Flush() == nil && c.r.Context().Err() == nil
}

// pause waits; false when the caller has gone.
func (c *call) pause(delay time.Duration) bool {
	if delay <= 0 {
		return c.r.Context().Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.r.Context().Done():
		return false
	}
}

// known refuses a model that there is not, as OpenAI words it.
func (c *call) known(model string) bool {
	if model == "" {
		writeError(c.w, http.StatusBadRequest, apiError{Message: "you must provide a model parameter", Type: "invalid_request_error"})
		return false
	}
	if !c.f.has(model) {
		writeError(c.w, http.StatusNotFound, apiError{
			Message: "The model `" + model + "` does not exist or you do not have access to it.",
			Type:    "invalid_request_error", Code: "model_not_found",
		})
		return false
	}
	return true
}

// missing refuses a request without something it needs.
func (c *call) missing(param string) {
	writeError(c.w, http.StatusBadRequest, apiError{
		Message: "Missing required parameter: '" + param + "'.", Type: "invalid_request_error",
		Param: param, Code: "missing_required_parameter",
	})
}
