package ui_test

import (
	"github.com/chromedp/chromedp"

	"github.com/keywicket/keywicket/internal/vault"
)

// rotate changes the key for a new one, as the page says.
func (j *journey) rotate() {
	j.fill("label", "new")
	j.fill("secret", canary)
	j.do("opening what is rarely needed", chromedp.Click(chromedp.CSS("details:has(#headers) > summary")), chromedp.WaitVisible(chromedp.ID("headers")))
	j.fill("headers", "OpenAI-Organization: org-1")
	j.fill("rank", "1")
	j.press(`form[action="/keys"] button`)
	j.see("The key is stored.")
	old := j.c.vault.CredentialsFor("llm:openai")[0]
	j.c.health.Store(&map[string]vault.Health{old.ID: {State: "ok", InUse: 2, Requests: 40}})
	j.open("/keys", "")
	j.see("2 now, 40 requests")
	j.press(`form[action="/keys/` + old.ID + `/drain"] button`)
	j.see("Draining. New requests use other keys")
	j.do("opening the order", chromedp.Click(chromedp.CSS(".order summary")), chromedp.WaitVisible(chromedp.ID("rank-"+old.ID)))
	j.seen("keys-draining")
	j.press(`form[action="/keys/` + old.ID + `/arrange"] button`)
	j.see("The order is changed.")
	j.press(`form[action="/keys/` + old.ID + `/use"] button`)
	j.see("The key is used again.")
	young := j.c.vault.CredentialsFor("llm:openai")[1]
	j.do("asking to remove", chromedp.Click(chromedp.CSS(`.confirm:has(form[action="/keys/`+young.ID+`/remove"]) summary`)))
	j.press(`form[action="/keys/` + young.ID + `/remove"] button`)
	j.see("The key is removed.")
}

// provide adds a provider of the owner's own, changes it, names a model and
// removes both.
func (j *journey) provide() {
	j.press(`a[href="/providers"]`)
	j.see("What the gateway can reach")
	j.seen("providers")
	j.press(`a[href="/providers/llm:openai"]`)
	j.see("/r/llm/openai/chat/completions")
	j.seen("provider")
	j.press(`a[href^="/providers/new"]`)
	j.see("This is a copy.")
	j.seen("provider-copy")

	j.open("/providers/new", "provider-new")
	j.write(with(`"/tickets"`, `"tickets"`))
	j.press(`form[action="/providers/review"] button`)
	j.see("Member actions.0.path")
	j.heard() // the browser complains about the status, as it should
	j.seen("provider-problem")
	j.write(with(`"dialect"`, `"allow_private": true, "dialect"`))
	j.press(`form[action="/providers/review"] button`)
	j.see("Add Tickets?")
	j.seen("provider-review")
	j.press(`button[formaction="/providers/new"]`)
	j.see("Add a provider")
	j.press(`form[action="/providers/review"] button`)
	j.do("agreeing", chromedp.Click(chromedp.CSS(`input[name="allow_private"]`)))
	j.press(`form[action="/providers"] .primary`)
	j.see("The provider is stored.")
	j.press(`a[href="/providers/http:tickets/edit"]`)
	j.write(tickets)
	j.press(`form[action="/providers/review"] button`)
	j.see("Change Tickets?")
	j.press(`form[action="/providers"] .primary`)
	j.see("The provider is stored.")
	j.do("asking to remove", chromedp.Click(chromedp.CSS(".confirm summary")), chromedp.WaitVisible(chromedp.CSS(".confirm .danger")))
	j.seen("provider-removing")
	j.press(".confirm .danger")
	j.see("The provider is removed.")

	j.open("/names", "names-none")
	j.fill("name", "fast")
	j.fill("targets", "groq/llama-3.3-70b-versatile\nopenai/gpt-4o-mini")
	j.press(`form[action="/names"] button`)
	j.see("The name is set.")
	j.seen("names")
	j.do("asking to remove", chromedp.Click(chromedp.CSS(".confirm summary")), chromedp.WaitVisible(chromedp.CSS(".confirm .danger")))
	j.press(".confirm .danger")
	j.see("The name is removed.")
}

// write puts a manifest in place of what the field holds.
func (j *journey) write(manifest string) {
	j.t.Helper()
	j.do("writing a manifest", chromedp.SetValue(chromedp.ID("manifest"), manifest))
}
