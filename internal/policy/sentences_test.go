package policy

import (
	"slices"
	"testing"
	"time"
)

func TestSentences(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("Tokyo", 9*3600)
	d, err := Parse([]byte(whole), noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		doc  Document
		zone *time.Location
		want []string
	}{
		{Document{Resource: "llm:openai"}, time.UTC, []string{
			"Actions: all", "Models: all", "Any number of requests", "Forever",
		}},
		{d, tokyo, []string{
			"Actions: chat.completions, models.list",
			"Models: gpt-4o*, text-embedding-3-*",
			"Never models: *-audio*",
			"Weekdays 09:00 to 18:00",
			"From addresses: 203.0.113.0/24, 2001:db8::7",
			"From web pages at: https://app.example, http://127.0.0.1:5173",
			"Only with proofs that name the request's body",
			"Inputs of at most 32,000 tokens",
			"Answers of at most 4,096 tokens",
			"Requests of at most 1,048,576 bytes",
			"No tools",
			"Mail from: example.com",
			"Mail to: none",
			"Mail to at most 10 recipients",
			"No attachments",
			"60 requests a minute",
			"100,000 tokens a minute",
			"1,000 requests a day",
			"2,000,000 tokens a day",
			"At most $1.50 a day",
			"At most $20.00 a month",
			"100,000 requests in total",
			"50 requests a day to gpt-4o",
			"At most 8 requests at once",
			"From 1 Dec 2026 09:00",
			"Until 1 Jan 2027 07:59",
		}},
		{Document{Resource: "llm:openai", Streaming: Deny, Concurrency: 1, Limits: []Limit{{Per: Month, Requests: 1}}}, time.UTC, []string{
			"Actions: all", "Models: all", "No streaming", "1 request a month", "At most 1 request at once", "Forever",
		}},
		{Document{
			Resource: "mail:resend", Mail: &Mail{HTML: Deny, ToDomains: []string{"*.example.com"}, MaxAttachmentBytes: new(int64(1024))},
			Limits: []Limit{{Per: Day, Model: "o*", Dollars: 12_345_000_000_001}},
		}, time.UTC, []string{
			"Actions: all", "Models: all", "Mail to: *.example.com", "No HTML mail", "Attachments of at most 1,024 bytes",
			"At most $12,345.000000001 a day to o*", "Forever",
		}},
	} {
		if got := row.doc.Sentences(row.zone); !slices.Equal(got, row.want) {
			t.Errorf("got  %q\nwant %q", got, row.want)
		}
	}
}
