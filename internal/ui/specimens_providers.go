package ui

func someKeys() []keyGroup {
	failed := keyTest{Words: "OpenAI does not know this key (401). Add a new one and remove this one.", At: someMoment("today 10:03")}
	return []keyGroup{
		{Title: "OpenAI", Resource: "llm:openai", Href: "/providers/llm:openai", Keys: []keyRow{
			{ID: "key_1", Label: "work", Title: "OpenAI", Weight: 3, Added: someMoment("19 Nov 09:12"), Headers: []string{"OpenAI-Organization: org-4f1d9a", "OpenAI-Project: proj_a-rather-long-name-of-a-project-that-never-ends"},
				Tested: keyTest{Words: "OpenAI accepts this key: 63 models are listed.", OK: true, At: someMoment("today 10:02")},
				Health: healthView{State: "In use", Tone: "good", Words: []string{"Rests for 1 model: told to slow down.", "2 now, 1,204 requests since the gateway was started, of which 3 failed (told to slow down)."}}},
			{ID: "key_2", Label: "local-experiments-on-the-machine-under-the-desk", Title: "OpenAI", Weight: 1, BaseURL: "https://a-rather-long-name-of-a-proxy.internal.example.com:8443/openai/v1", AllowPrivate: true, Added: someMoment("today 09:58"),
				Tested: failed, Health: healthView{State: "Resting", Tone: "warn", Words: []string{"Not tried until today 10:31: refused.", "0 now, 1 request since the gateway was started, of which 1 failed (refused)."}}},
			{ID: "key_3", Label: "old", Title: "OpenAI", Rank: 1, Weight: 1, Draining: true, Added: someMoment("2 Oct 18:40"), Health: healthView{State: "Drained", Words: []string{"No longer in use: it can be removed."}}},
		}},
		{Title: "llm:mine", Resource: "llm:mine", Keys: []keyRow{
			{ID: "key_4", Label: "default", Title: "llm:mine", Weight: 1, Added: someMoment("today 09:58"), Draining: true, Health: healthView{State: "Draining", Tone: "warn", Words: []string{"1 now, 40 requests since the gateway was started."}}},
		}},
	}
}

func someProviders() []providerRow {
	return []providerRow{
		{ID: "http:tickets", Title: "Tickets", BaseURL: "https://api.tickets.example/v2", From: "you", Own: true, Keys: "1 key"},
		{ID: "llm:a-name-as-long-as-any", Title: "A provider whose title is as long as it may be and so does not fit on one line", BaseURL: "https://a-rather-long-name-of-a-proxy.internal.example.com:8443/openai/v1", From: "you, in place of the gateway's", Own: true, Keys: "12 keys"},
		{ID: "llm:ollama", Title: "Ollama", BaseURL: "http://127.0.0.1:11434/v1", From: "the gateway", Keys: "needs no key"},
		{ID: "llm:openai", Title: "OpenAI", BaseURL: "https://api.openai.com/v1", From: "the gateway", Keys: "0 keys"},
	}
}

func someProvider(f frame) providerView {
	return providerView{Frame: f, ID: "llm:openai", Title: "OpenAI", From: "the gateway", Manifest: manifestView{
		BaseURL: "https://api.openai.com/v1", Dialect: "openai", Key: "Authorization: Bearer …", Docs: "https://platform.openai.com/docs/api-reference",
		Pass: []string{"X-Title"},
		Opens: []openingRow{
			{Action: "chat.completions", Method: "POST", Path: "/r/llm/openai/chat/completions", Upstream: "https://api.openai.com/v1/chat/completions"},
			{Action: "audio.transcriptions", Method: "POST", Path: "/r/llm/openai/audio/transcriptions", Upstream: "https://api.openai.com/v1/audio/transcriptions"},
			{Action: "models.list", Method: "GET", Path: "/r/llm/openai/models", Upstream: "https://api.openai.com/v1/models"},
		},
	}}
}

func ticketsManifest() manifestView {
	return manifestView{
		BaseURL: "https://tickets.internal.example.com:8443/a/path/below/which/they/are/v2", Dialect: "http", Key: "Authorization: Bearer …", Stored: 2, Private: true,
		Headers: []string{"X-Tickets-Version: 2026-01"}, Pass: []string{"X-Trace", "X-Parent"}, Docs: "https://docs.tickets.example",
		Opens: []openingRow{
			{Action: "tickets.list", Method: "GET", Path: "/r/http/tickets/tickets", Upstream: "https://tickets.internal.example.com:8443/a/path/below/which/they/are/v2/tickets", Query: "limit, after"},
			{Action: "tickets.create", Method: "POST", Path: "/r/http/tickets/tickets", Upstream: "https://tickets.internal.example.com:8443/a/path/below/which/they/are/v2/tickets"},
		},
	}
}

func someOwnProvider(f frame) providerView {
	return providerView{
		Frame: f, ID: "http:tickets", Title: "Tickets", From: "you", Own: true, Added: someMoment("today 10:01"), Manifest: ticketsManifest(),
		Gains: someGains(),
	}
}

const someManifest = `{
  "id": "http:tickets",
  "title": "Tickets",
  "base_url": "https://api.tickets.example/v2",
  "dialect": "http",
  "credential": {"header": "Authorization", "prefix": "Bearer "},
  "actions": [
    {"name": "tickets.list", "method": "GET", "path": "tickets", "query": ["limit", "after"]}
  ]
}`

func someReview(f frame) reviewView {
	m := ticketsManifest()
	m.Private, m.Stored = false, 0
	return reviewView{Frame: f, Text: someManifest, ID: "http:tickets", Title: "Tickets", Manifest: m}
}

func someGains() []gainRow {
	return []gainRow{
		{App: "Notes", Link: "/apps/app_1", Actions: "tickets.create"},
		{App: "A name with as many characters as the name of an app can have, sixty", Link: "/apps/app_2", Actions: "tickets.list, tickets.create"},
	}
}

func takingReview(f frame) reviewView {
	return reviewView{
		Frame: f, Text: someManifest, Editing: "http:tickets-of-old", Leaves: "http:tickets-of-old", ID: "http:tickets", Title: "Tickets", Manifest: ticketsManifest(),
		Gains: someGains(),
		Takes: "Tickets, which you added", KeysMove: "2 keys", From: "https://api.tickets.example/v2", Problem: "Not stored. Tick the box below if you agree.",
	}
}

func someNames() []nameRow {
	return []nameRow{
		{Name: "fast", Targets: []targetRow{{Model: "groq/llama-3.3-70b-versatile"}, {Model: "openai/gpt-4o-mini-2024-07-18-with-a-suffix-that-never-ends-and-never-ends"}}},
		{Name: "a-name-with-as-many-characters-as-a-name-for-a-model-can-have-it", Targets: []targetRow{{Model: "mine/model", Gone: true}}},
	}
}
