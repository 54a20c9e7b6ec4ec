package openaifake

import (
	"encoding/json"
	"net/http"

	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// call is one request on its way through the fake.
type call struct {
	*fakeupstream.Stream // once it has begun

	f      *Fake
	w      http.ResponseWriter
	r      *http.Request
	number int
	body   []byte
	fault  Fault
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
	fakeupstream.WholeJSON(c.w, c.r, c.fault, "application/json", value)
}

// bytes sends an answer that is no stream.
func (c *call) bytes(media string, data []byte) {
	fakeupstream.Whole(c.w, c.r, c.fault, media, data)
}

// begin starts a stream.
func (c *call) begin() {
	c.Stream = fakeupstream.NewStream(c.w, c.r, c.fault, "text/event-stream; charset=utf-8", c.f.cfg.WordDelay)
}

// say streams words; false ends the stream.
func (c *call) say(words []string, send func(word string) bool) bool {
	done, failed := c.Words(words, send)
	if failed {
		c.trouble()
	}
	return done
}

// word comes before each word that is not said; false ends the stream.
func (c *call) word() bool {
	ok, failed := c.Word()
	if failed {
		c.trouble()
	}
	return ok
}

// trouble is OpenAI's error event.
func (c *call) trouble() {
	c.Write(`data: {"error":{"message":"` + serverTrouble + `","type":"server_error","param":null,"code":null}}` + "\n\n")
}

// event sends data without a name, named one with the name that is its type.
func (c *call) event(value any) bool {
	data, err := json.Marshal(value)
	return err == nil && c.Write("data: "+string(data)+"\n\n")
}

func (c *call) named(name string, value map[string]any) bool {
	value["type"] = name
	data, err := json.Marshal(value)
	return err == nil && c.Write("event: "+name+"\ndata: "+string(data)+"\n\n")
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
