package resend

import (
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

func TestMailFacts(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct {
		name, path, body string
		want             plugins.Mail
	}{
		{"a batch counts each address once", "/emails/batch",
			`[{"from":"a@x.example","to":"b@y.example","subject":"s","text":"t"},{"from":"A <c@x.example>","to":["B <b@Y.example>"],"cc":"d@y.example","subject":"s","html":"<p>"}]`,
			plugins.Mail{FromDomain: "x.example", To: []string{"y.example"}, Recipients: 2, HTML: true, Messages: 2}},
		{"two senders are none", "/emails/batch",
			`[{"from":"a@x.example","to":"b@y.example"},{"from":"a@z.example","to":"b@y.example"}]`,
			plugins.Mail{To: []string{"y.example"}, Recipients: 1, Messages: 2}},
		{"a template may hold HTML", "/emails",
			`{"from":"a@x.example","to":"b@y.example","template":{"id":"t","variables":{"a":1}}}`,
			plugins.Mail{FromDomain: "x.example", To: []string{"y.example"}, Recipients: 1, HTML: true, Messages: 1}},
		{"empty HTML is none", "/emails",
			`{"from":"a@x.example","to":"b@y.example","html":"","cc":null,"bcc":[],"attachments":[],"template":null}`,
			plugins.Mail{FromDomain: "x.example", To: []string{"y.example"}, Recipients: 1, Messages: 1}},
		{"a remote attachment may be of any size", "/emails",
			`{"from":"a@x.example","to":"b@y.example","attachments":[{"content":"AAAA"},{"path":"https://z.example/a.pdf"}]}`,
			plugins.Mail{FromDomain: "x.example", To: []string{"y.example"}, Recipients: 1, AttachmentBytes: math.MaxInt64, Messages: 1}},
		{"and so may two", "/emails/batch",
			`[{"from":"a@x.example","to":"b@y.example","attachments":[{"path":"https://z.example/a.pdf"}]},{"from":"a@x.example","to":"b@y.example","attachments":[{"path":"https://z.example/a.pdf"}]}]`,
			plugins.Mail{FromDomain: "x.example", To: []string{"y.example"}, Recipients: 1, AttachmentBytes: math.MaxInt64, Messages: 2}},
		{"attachments in every form", "/emails",
			`{"from":"a@x.example","to":"b@y.example","attachments":[{"content":"AAA"},{"content":"AAA="},{"content":"-_8"},{"content":"no base64!"},{"content":{"type":"Buffer","data":[1,2]}},{"content":null},{"path":""}]}`,
			plugins.Mail{FromDomain: "x.example", To: []string{"y.example"}, Recipients: 1, AttachmentBytes: 2 + 2 + 2 + 10 + 2, Messages: 1}},
		{"local parts differ in case", "/emails",
			`{"from":"a@x.example","to":["b@y.example","B@y.example"]}`,
			plugins.Mail{FromDomain: "x.example", To: []string{"y.example"}, Recipients: 2, Messages: 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			call, err := p.Describe(post(row.path, row.body))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*call.Facts.Mail, row.want) {
				t.Errorf("got  %+v\nwant %+v", *call.Facts.Mail, row.want)
			}
		})
	}
}

func TestDomainsGoOutAsJudged(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		`{"from":"Bü <a@MÜNCHEN.example>", "to":["b@y.example","c@ÿ.example"],"cc":"d@ÿ.example","subject":"ü"}`: `{"from":"Bü <a@xn--mnchen-3ya.example>", "to":["b@y.example","c@xn--wda.example"],"cc":"d@xn--wda.example","subject":"ü"}`,
		`{"from":"Bü <a@x.example>", "to":["Zoë <b@y.example>"]}`:                                                `{"from":"Bü <a@x.example>", "to":["Zoë <b@y.example>"]}`,
	} {
		call, err := provider(t).Describe(post("/emails", from))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(string(call.Body), `\u003c`, "<"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestRefusedMail(t *testing.T) {
	t.Parallel()
	hundredAndOne := "[" + strings.Repeat(plainMail+",", MaxBatch) + plainMail + "]"
	for _, row := range []struct{ name, path, body, param string }{
		{"no sender", "/emails", `{"to":"b@y.example"}`, "from"},
		{"null sender", "/emails", `{"from":null,"to":"b@y.example"}`, "from"},
		{"two senders", "/emails", `{"from":["a@x.example"],"to":"b@y.example"}`, "from"},
		{"a list of senders", "/emails", `{"from":"a@x.example, c@z.example","to":"b@y.example"}`, "from"},
		{"no recipient", "/emails", `{"from":"a@x.example"}`, "to"},
		{"empty recipients", "/emails", `{"from":"a@x.example","to":[]}`, "to"},
		{"null recipient", "/emails", `{"from":"a@x.example","to":["b@y.example",null]}`, "to"},
		{"nested recipients", "/emails", `{"from":"a@x.example","to":[["b@y.example"]]}`, "to"},
		{"a recipient object", "/emails", `{"from":"a@x.example","to":{"email":"b@y.example"}}`, "to"},
		{"recipients with a comma", "/emails", `{"from":"a@x.example","to":"b@y.example,c@z.example"}`, "to"},
		{"a hidden recipient", "/emails", `{"from":"a@x.example","to":"b@y.example\r\nBcc: c@z.example"}`, "to"},
		{"a line end in the subject", "/emails", `{"from":"a@x.example","to":"b@y.example","subject":"s\r\nBcc: c@z.example"}`, "subject"},
		{"another member", "/emails", `{"from":"a@x.example","to":"b@y.example","audience_id":"x"}`, "audience_id"},
		{"camel case", "/emails", `{"from":"a@x.example","to":"b@y.example","replyTo":"c@z.example"}`, "replyTo"},
		{"a Bcc header", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"bcc":"c@z.example"}}`, "headers"},
		{"a From header", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"From":"c@z.example"}}`, "headers"},
		{"a Sender header", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"Sender":"c@z.example"}}`, "headers"},
		{"a Resent-To header", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"Resent-To":"c@z.example"}}`, "headers"},
		{"a Content-Type header", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"Content-Type":"text/html"}}`, "headers"},
		{"a header for the mail server", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"X-SES-FROM-ARN":"x"}}`, "headers"},
		{"a header with a space", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"X-A: 1\nBcc":"x"}}`, "headers"},
		{"a header of two lines", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"X-A":"1\nBcc: x"}}`, "headers"},
		{"a header that is a list", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":{"X-A":["1"]}}`, "headers"},
		{"headers that are a list", "/emails", `{"from":"a@x.example","to":"b@y.example","headers":[{"name":"bcc"}]}`, "headers"},
		{"HTML that is no text", "/emails", `{"from":"a@x.example","to":"b@y.example","html":["<p>"]}`, "html"},
		{"an attachment that is a text", "/emails", `{"from":"a@x.example","to":"b@y.example","attachments":["x"]}`, "attachments"},
		{"an attachment with another member", "/emails", `{"from":"a@x.example","to":"b@y.example","attachments":[{"url":"https://z.example"}]}`, "attachments"},
		{"an attachment with Path", "/emails", `{"from":"a@x.example","to":"b@y.example","attachments":[{"Path":"https://z.example"}]}`, "attachments"},
		{"content that is a number", "/emails", `{"from":"a@x.example","to":"b@y.example","attachments":[{"content":5}]}`, "attachments"},
		{"an object as a batch", "/emails/batch", plainMail, ""},
		{"a batch of 101", "/emails/batch", hundredAndOne, ""},
		{"an empty batch", "/emails/batch", `[]`, ""},
		{"the second of a batch", "/emails/batch", `[` + plainMail + `,{"from":"a@x.example","to":"b@localhost"}]`, "1.to"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			call, err := provider(t).Describe(post(row.path, row.body))
			refused, ok := err.(*plugins.Error)
			if !ok || call != nil || refused.Status != http.StatusBadRequest || refused.Param != row.param {
				t.Errorf("got %v, %#v, want 400 about %q", call, err, row.param)
			}
		})
	}
}

func TestProbeSaysWhatCameBack(t *testing.T) {
	t.Parallel()
	explain := provider(t).Probe().Explain
	for _, row := range []struct {
		status int
		body   string
		ok     bool
		words  string
	}{
		{200, `{"data":[{"id":"1"}]}`, true, "lists 1 sending domains"},
		{401, `{"statusCode":401,"name":"restricted_api_key","message":"This API key is restricted to only send emails"}`, true, "send mail and nothing else"},
		{401, `{"statusCode":401,"name":"missing_api_key"}`, false, "does not accept"},
		{403, `{"statusCode":403,"name":"restricted_api_key"}`, false, "does not accept"},
		{403, `{"statusCode":403,"name":"invalid_api_key"}`, false, "does not accept"},
		{400, `{"statusCode":400,"name":"validation_error","message":"API key is invalid"}`, false, "does not accept"},
		{200, `{"ok":true}`, false, "base URL"},
		{0, ``, false, "could not be reached"},
	} {
		verdict := explain(row.status, []byte(row.body))
		if verdict.OK != row.ok || !strings.Contains(verdict.Words, row.words) {
			t.Errorf("%d %s: got %+v, want %v and %q", row.status, row.body, verdict, row.ok, row.words)
		}
	}
}
