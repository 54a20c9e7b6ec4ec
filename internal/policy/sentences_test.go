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
			"From web pages at: https://app.example, http://127.0.0.1:5173",
			"Only with proofs that name the request's body",
			"Answers of at most 4,096 tokens",
			"Requests of at most 1,048,576 bytes",
			"No tools",
			"60 requests a minute",
			"1,000 requests a day",
			"100,000 requests in total",
			"50 requests a day to gpt-4o",
			"At most 8 requests at once",
			"From 1 Dec 2026 09:00",
			"Until 1 Jan 2027 07:59",
		}},
		{Document{Resource: "llm:openai", Streaming: Deny, Concurrency: 1, Limits: []Limit{{Per: Month, Requests: 1}}}, time.UTC, []string{
			"Actions: all", "Models: all", "No streaming", "1 request a month", "At most 1 request at once", "Forever",
		}},
	} {
		if got := row.doc.Sentences(row.zone); !slices.Equal(got, row.want) {
			t.Errorf("got  %q\nwant %q", got, row.want)
		}
	}
}
