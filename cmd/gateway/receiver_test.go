package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiver is the other end of the owner's webhook.
type receiver struct {
	*httptest.Server
	got chan received
}

// received is one message.
type received struct {
	header http.Header
	body   []byte
}

func newReceiver() *receiver {
	r := &receiver{got: make(chan received, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body) // half a message does not verify
		r.got <- received{request.Header, body}
	}))
	return r
}

func receiverCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	switch {
	case neg:
		ts.Fatalf("receiver cannot be negated")
	case len(args) == 0:
		s.receiver = newReceiver()
		ts.Defer(s.receiver.Close)
		ts.Setenv("RECEIVER", s.receiver.URL)
	case len(args) == 3 && args[0] == "got":
		secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`).FindString(ts.ReadFile(args[2]))
		verifier, err := standardwebhooks.NewWebhook(secret)
		ts.Check(err)
		select {
		case message := <-s.receiver.got:
			ts.Check(verifier.Verify(message.body, message.header))
			var body struct {
				Type string `json:"type"`
			}
			ts.Check(json.Unmarshal(message.body, &body))
			if body.Type != args[1] {
				ts.Fatalf("the webhook got %s", message.body)
			}
		case <-time.After(scriptTime):
			ts.Fatalf("the webhook got nothing")
		}
	default:
		ts.Fatalf("usage: receiver [got TYPE FILE]")
	}
}
