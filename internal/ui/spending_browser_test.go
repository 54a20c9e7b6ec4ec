package ui_test

import (
	"time"

	"github.com/chromedp/chromedp"

	"github.com/keywicket/keywicket/internal/usage"
)

// spend looks at what the app used, tries a request out, and reads and
// dismisses the alerts that there are by then.
func (j *journey) spend(a *app) {
	for _, r := range []usage.Request{
		{Model: "gpt-4o", InputTokens: 12_000, CachedTokens: 4_000, OutputTokens: 900, Cost: 39_000_000},
		{Model: "gpt-4o-mini", InputTokens: 1_400, OutputTokens: 250, Cost: 360_000},
		{Model: "gpt-5", Rule: "models"},
	} {
		r.App, r.Resource, r.Latency = a.id, "llm:openai", 900*time.Millisecond
		j.c.usage.Record(r)
	}
	j.c.raise("Notes", 80)
	j.c.raise("Notes", 100)

	j.open("/", "overview-alerts")
	j.see("has used up its 100 requests a day")
	j.press(`form[action="/alerts/dismiss"] button`)
	j.see("Dismissed.")
	j.open("/alerts", "alerts")
	j.open("/usage", "usage")
	j.see("Dollars a day")
	j.see("$0.0394")
	j.press(`a[href="/usage?days=7"]`)
	j.see("gpt-4o-mini")

	j.open("/apps/"+a.id, "")
	j.press(`a[href^="/tester?permission="]`)
	j.fill("model", "gpt-4o-mini")
	j.press(`form[action="/tester"] button`)
	j.see("It would pass.")
	j.seen("tester-passed")
	j.do("choosing another model", chromedp.SetValue(chromedp.ID("model"), "o3"))
	j.press(`form[action="/tester"] button`)
	j.see("It would be refused")
	j.see("model_not_allowed")
	j.seen("tester-refused")
}
