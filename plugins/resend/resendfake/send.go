package resendfake

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"
)

const maxBatch = 100

// remembered is what an idempotency key was used for.
type remembered struct {
	sum    [sha256.Size]byte
	answer any
}

// send takes one message or a batch, once for each idempotency key.
func (f *Fake) send(w http.ResponseWriter, r *http.Request, body []byte) {
	batch := r.URL.Path == "/emails/batch"
	texts := []json.RawMessage{body}
	if batch {
		if err := json.Unmarshal(body, &texts); err != nil || len(texts) == 0 || len(texts) > maxBatch {
			fail(w, http.StatusUnprocessableEntity, "validation_error", "The batch must be an array of 1 to 100 emails.")
			return
		}
	}
	var messages []Message
	for _, text := range texts {
		m, problem := f.read(text)
		if problem != "" {
			fail(w, http.StatusUnprocessableEntity, "validation_error", problem)
			return
		}
		messages = append(messages, m)
	}
	f.deliver(w, r.Header.Get("Idempotency-Key"), sha256.Sum256(append(body, r.URL.Path...)), messages, batch)
}

func (f *Fake) deliver(w http.ResponseWriter, key string, sum [sha256.Size]byte, messages []Message, batch bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if before, ok := f.known[key]; ok && key != "" {
		if before.sum != sum {
			fail(w, http.StatusConflict, "invalid_idempotent_request", "This idempotency key was used with a different payload.")
			return
		}
		write(w, http.StatusOK, before.answer)
		return
	}
	ids := []map[string]string{}
	for _, m := range messages {
		m.ID = newID(len(f.sent))
		if len(f.sent) < maxMessages {
			f.sent = append(f.sent, m)
		}
		ids = append(ids, map[string]string{"id": m.ID})
	}
	var answer any = ids[0]
	if batch {
		answer = map[string]any{"data": ids}
	}
	f.known[key] = remembered{sum, answer}
	write(w, http.StatusOK, answer)
}

// read checks a message as far as Resend's own rules matter to a test.
func (f *Fake) read(text []byte) (m Message, problem string) {
	var fields struct {
		From string `json:"from"`
		To   any    `json:"to"`
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return m, "The payload is not valid JSON."
	}
	from, err := mail.ParseAddress(fields.From)
	if err != nil {
		return m, "Invalid `from` field."
	}
	if _, domain, _ := strings.Cut(from.Address, "@"); !slices.Contains(f.cfg.Domains, strings.ToLower(domain)) {
		return m, "The " + domain + " domain is not verified."
	}
	switch to := fields.To.(type) {
	case string:
		m.To = []string{to}
	case []any:
		for _, one := range to {
			m.To = append(m.To, fmt.Sprint(one))
		}
	}
	if len(m.To) == 0 {
		return m, "Missing `to` field."
	}
	m.From, m.Text = fields.From, text
	return m, ""
}

// newID makes the id of the n-th message.
func newID(n int) string { return fmt.Sprintf("49a3999c-0ce1-4ea6-ab68-%012x", n+1) }
