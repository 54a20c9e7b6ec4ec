package resend

import (
	"net/http"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

// provider is Resend itself, from the manifest that ships.
func provider(t testing.TB) *Provider { return plugintest.Shipped(t, "mail:resend", New) }

func post(path, body string) plugins.Request {
	return plugins.Request{
		Method: http.MethodPost, Path: path, Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Idempotency-Key": {"k-1"}},
	}
}

const plainMail = `{"from":"Ada <ada@example.com>","to":["bob@example.org"],"subject":"Hi","text":"Hello"}`

func plainFacts(action string) plugins.Facts {
	return plugins.Facts{Action: action, Mail: &plugins.Mail{
		FromDomain: "example.com", To: []string{"example.org"}, Recipients: 1, Messages: 1,
	}}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	answers := []plugintest.Answer{
		{Received: `{"id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}`},
		{Received: `{"statusCode":422,"name":"validation_error","message":"no"}`},
	}
	plugintest.Run(t, plugintest.Suite{
		Provider: provider(t),
		Samples: []plugintest.Sample{
			{Name: "send", Request: post("/emails", plainMail), Facts: plainFacts(EmailsSend), Answers: answers},
			{Name: "send elsewhere", Request: post("/emails/send", plainMail), Facts: plainFacts(EmailsSend), Answers: answers},
			{Name: "batch", Request: post("/emails/batch", "["+plainMail+"]"), Facts: plainFacts(EmailsBatch), Answers: answers},
			{
				Name: "everything",
				Request: post("/emails", `{"from":"Ada <ada@Example.com>","to":"bob@example.org","cc":["bob@example.org","eve@sub.example.net"],
					"bcc":["Mallory <m@münchen.example>"],"reply_to":["x@example.com"],"subject":"s","html":"<p>hi</p>","text":"hi",
					"headers":{"X-Entity-Ref-ID":"1","List-Unsubscribe":"<https://example.com>"},"tags":[{"name":"a","value":"b"}],
					"scheduled_at":"2026-12-01T00:00:00Z","topic_id":"t",
					"attachments":[{"filename":"a.txt","content":"aGVsbG8="},{"filename":"b","content":[1,2,3],"content_id":"x"}]}`),
				Facts: plugins.Facts{Action: EmailsSend, Mail: &plugins.Mail{
					FromDomain: "example.com", To: []string{"example.org", "sub.example.net", "xn--mnchen-3ya.example"},
					Recipients: 3, HTML: true, AttachmentBytes: 8, Messages: 1,
				}},
			},
			{
				Name:    "get",
				Request: plugins.Request{Method: http.MethodGet, Path: "/emails/49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"},
				Facts:   plugins.Facts{Action: EmailsGet},
				Answers: []plugintest.Answer{{Received: `{"object":"email","id":"1","to":["x@example.org"]}`}},
			},
		},
	})
}
