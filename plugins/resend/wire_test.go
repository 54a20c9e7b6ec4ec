package resend

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	sdk "github.com/resend/resend-go/v2"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/relaytest"
	"github.com/keywicket/keywicket/plugins/resend/resendfake"
)

func client(t *testing.T, cfg resendfake.Config) (*resendfake.Server, *relaytest.Relay, *sdk.Client) {
	t.Helper()
	upstream, err := resendfake.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { upstream.Close() })
	relay := relaytest.Start(t, relaytest.Config{Provider: provider(t), BaseURL: upstream.BaseURL(), Key: resendfake.DefaultKey})
	c := sdk.NewClient("clients-own")
	if c.BaseURL, err = url.Parse(relay.URL() + "/"); err != nil {
		t.Fatal(err)
	}
	return upstream, relay, c
}

func TestOfficialClientSends(t *testing.T) {
	t.Parallel()
	upstream, relay, c := client(t, resendfake.Config{})
	message := &sdk.SendEmailRequest{
		From: "Ada <ada@example.com>", To: []string{"bob@example.org", "Eve <eve@example.net>"}, Cc: []string{"bob@example.org"},
		Subject: "Hi", Html: "<p>hi</p>", ReplyTo: "ada@example.com", Tags: []sdk.Tag{{Name: "a", Value: "b"}},
		Attachments: []*sdk.Attachment{{Filename: "a.txt", Content: []byte("hello")}},
		Headers:     map[string]string{"X-Entity-Ref-ID": "7"},
	}
	sent, err := c.Emails.SendWithOptions(context.Background(), message, &sdk.SendEmailOptions{IdempotencyKey: "k-1"})
	if err != nil {
		t.Fatal(err)
	}
	mail := relay.Answers()[0].Facts.Mail
	if mail.FromDomain != "example.com" || strings.Join(mail.To, " ") != "example.net example.org" || mail.Recipients != 2 || !mail.HTML || mail.AttachmentBytes != 5 {
		t.Errorf("facts are %+v", mail)
	}
	again, err := c.Emails.SendWithOptions(context.Background(), message, &sdk.SendEmailOptions{IdempotencyKey: "k-1"})
	if err != nil || again.Id != sent.Id || len(upstream.Sent()) != 1 {
		t.Errorf("sent again as %v, %v; %d messages went out", again, err, len(upstream.Sent()))
	}
	got, err := c.Emails.Get(sent.Id)
	if err != nil || got.Id != sent.Id || got.From != message.From {
		t.Errorf("looked at: %+v, %v", got, err)
	}
	for _, r := range upstream.Requests() {
		if r.Header.Get("Authorization") != "Bearer "+resendfake.DefaultKey || strings.Contains(r.Header.Get("User-Agent"), "resend-go") {
			t.Errorf("%s %s arrived with %v", r.Method, r.Path, r.Header)
		}
	}
}

func TestOfficialClientSendsBatches(t *testing.T) {
	t.Parallel()
	upstream, relay, c := client(t, resendfake.Config{})
	var messages []*sdk.SendEmailRequest
	for range MaxBatch {
		messages = append(messages, &sdk.SendEmailRequest{From: "ada@example.com", To: []string{"bob@example.org"}, Subject: "s", Text: "t"})
	}
	answer, err := c.Batch.SendWithOptions(context.Background(), messages, &sdk.BatchSendEmailOptions{IdempotencyKey: "k", BatchValidation: sdk.BatchValidationStrict})
	if err != nil || len(answer.Data) != MaxBatch || len(upstream.Sent()) != MaxBatch {
		t.Fatalf("got %v, %v", answer, err)
	}
	if mail := relay.Answers()[0].Facts.Mail; mail.Recipients != 1 || mail.Messages != MaxBatch {
		t.Errorf("facts are %+v", mail)
	}
	if got := upstream.Requests()[0].Header.Get("X-Batch-Validation"); got != "strict" {
		t.Errorf("the validation mode arrived as %q", got)
	}
}

func TestOfficialClientRaisesRefusals(t *testing.T) {
	t.Parallel()
	upstream, relay, c := client(t, resendfake.Config{})
	if _, err := c.Emails.Send(&sdk.SendEmailRequest{From: "ada@localhost", To: []string{"bob@example.org"}}); err == nil || !strings.Contains(err.Error(), "without doubt") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Domains.List(); err == nil || !strings.Contains(err.Error(), "not an endpoint") {
		t.Errorf("got %v", err)
	}
	if upstream.Count() != 0 {
		t.Error("a refused request reached the provider")
	}
	relay.Refuse(plugins.Failure{Status: 403, Code: "recipient_not_allowed", Message: "The mail may not go to evil.example."}, 0)
	if _, err := c.Emails.Send(&sdk.SendEmailRequest{}); err == nil || !strings.Contains(err.Error(), "evil.example") {
		t.Errorf("got %v", err)
	}
	relay.Refuse(plugins.Failure{Status: 429, Code: "rate_limited", Message: "Slow down."}, 0)
	if _, err := c.Emails.Send(&sdk.SendEmailRequest{}); !errors.Is(err, sdk.ErrRateLimit) {
		t.Errorf("got %v, want the client's own rate limit error", err)
	}
}

func TestProbeAgainstTheFake(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		cfg resendfake.Config
		key string
		ok  bool
	}{
		"full access": {resendfake.Config{}, resendfake.DefaultKey, true},
		"send only":   {resendfake.Config{SendOnly: true}, resendfake.DefaultKey, true},
		"another key": {resendfake.Config{}, "re_wrong", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream, err := resendfake.Start(row.cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { upstream.Close() })
			status, body := ask(t, upstream.BaseURL(), row.key)
			if verdict := provider(t).Probe().Explain(status, body); verdict.OK != row.ok {
				t.Errorf("%d %s: %+v", status, body, verdict)
			}
			if len(upstream.Sent()) != 0 {
				t.Error("the probe sent mail")
			}
		})
	}
}

// ask makes the probe's call.
func ask(t *testing.T, base, key string) (int, []byte) {
	t.Helper()
	p := provider(t).Probe()
	r, err := http.NewRequestWithContext(t.Context(), p.Method, base+p.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = p.Header
	if err := plugins.Authorize(r.Header, provider(t).Manifest(), []byte(key)); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}
