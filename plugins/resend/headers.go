package resend

import (
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/keywicket/keywicket/plugins"
)

const maxMessageHeaders = 100

// checkHeaders lets a message have headers of its own as long as they describe
// it: none that names a sender, a recipient or a content, and none that the mail
// servers behind Resend obey.
func checkHeaders(message *plugins.Object) error {
	raw, ok := message.Value("headers")
	if !ok || raw.Kind() == 'n' {
		return nil
	}
	var headers map[string]*string
	if raw.Kind() != '{' || json.Unmarshal(raw, &headers) != nil || len(headers) > maxMessageHeaders {
		return plugins.Invalid("headers", "headers must be an object of at most 100 strings")
	}
	for name, value := range headers {
		if !descriptive(name) {
			return plugins.Invalid("headers", "headers may be List-*, References, In-Reply-To, Message-Id, Feedback-Id, Precedence, "+
				"Auto-Submitted, Importance, Priority, Thread-Topic, Thread-Index and X-*, but none that steers delivery")
		}
		if value == nil || strings.ContainsFunc(*value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return plugins.Invalid("headers", "every header must be one line of text")
		}
	}
	return nil
}

func descriptive(name string) bool {
	name = strings.ToLower(name)
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	switch name {
	case "references", "in-reply-to", "message-id", "feedback-id", "precedence", "auto-submitted", "importance", "priority", "thread-topic", "thread-index":
		return true
	}
	for _, steering := range []string{"x-ses-", "x-resend-", "x-envelope-", "x-original-", "x-rcpt-", "x-forwarded-"} {
		if strings.HasPrefix(name, steering) {
			return false
		}
	}
	return len(name) <= 64 && (strings.HasPrefix(name, "list-") || strings.HasPrefix(name, "x-"))
}
