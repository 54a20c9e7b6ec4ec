package ui

// specimens lists the pages of the gallery. Names and texts are as long and
// as awkward as apps may make them somewhere in it.
func specimens() []specimen {
	quiet := frame{SignedIn: true}
	frozen := frame{SignedIn: true, Frozen: true, Pending: 2}
	locked := frame{SignedIn: true, Locked: true, Pending: 2}
	return []specimen{
		{"setup", setupPage(setupView{Frame: frame{Title: "Set up"}, Token: "token"})},
		{"setup-refused", setupPage(setupView{Frame: frame{Title: "Set up"}, Token: "token", Problem: "The two passphrases are not the same. Type them again."})},
		{"setup-hint", setupPage(setupView{Frame: frame{Title: "Set up"}})},
		{"recovery-code", recoveryPage(recoveryView{Frame: quiet.as("Your recovery code", "", ""), Code: "7KQ2-9MXD-41TB-ZC0P-6R8W-HV3N-0A5E"})},
		{"sign-in", signInPage(signInView{Frame: frame{Title: "Sign in"}, Next: "/"})},
		{"sign-in-locked", signInPage(signInView{Frame: frame{Title: "Sign in"}, Next: "/", Locked: true, Unlock: true, Problem: "That is not the passphrase. Try again."})},
		{"arrival", arrivalPage("/arrival.html")},
		{"overview-first", overviewPage(overviewView{Frame: quiet.as("Overview", "overview", saidSetUp), Recent: someEvents()[7:]})},
		{"overview", overviewPage(overviewView{Frame: frame{SignedIn: true, Pending: 2}.as("Overview", "overview", ""), Keys: 2, Waiting: someWaiting(), Apps: someApps(), Recent: someEvents()})},
		{"overview-frozen", overviewPage(overviewView{Frame: frozen.as("Overview", "overview", ""), Keys: 2, Waiting: someWaiting(), Apps: someApps(), Recent: someEvents()})},
		{"overview-restored", overviewPage(overviewView{Frame: frame{SignedIn: true, Restored: true, Locked: true}.as("Overview", "overview", ""), Keys: 2, Apps: someApps(), Recent: someEvents()})},
		{"keys", keysPage(keysView{Frame: quiet.as("Keys", "keys", saidKeyAdded), Groups: someKeys(), Choices: someResources()})},
		{"keys-none", keysPage(keysView{Frame: quiet.as("Keys", "keys", ""), Choices: someResources(), Label: "work", BaseURL: "ftp://example.com", Problem: "Not stored. The base URL: must be https."})},
		{"keys-locked", keysPage(keysView{Frame: locked.as("Keys", "keys", ""), Groups: someKeys()[1:], Choices: someResources(), Wrong: "Not changed. The rank: it must be 0 to 99; the lowest is tried first."})},
		{"keys-problem", keysPage(keysView{Frame: quiet.as("Keys", "keys", ""), Groups: someKeys()[:1], Choices: someResources(), Label: "work", BaseURL: "ftp://example.com", Headers: "OpenAI-Organization org-1", Rank: "100", Weight: "1", Problem: "Not stored. Headers: each line is Name: value, and each name is there once."})},
		{"providers", providersPage(providersView{Frame: quiet.as("Providers", "keys", saidProviderGone), Providers: someProviders()})},
		{"provider", providerPage(someProvider(quiet.as("OpenAI", "keys", "")))},
		{"provider-own", providerPage(someOwnProvider(quiet.as("Tickets", "keys", saidProviderSaved)))},
		{"provider-new", manifestFormPage(manifestFormView{Frame: quiet.as("Add a provider", "keys", ""), Starts: someResources()})},
		{"provider-edit", manifestFormPage(manifestFormView{Frame: quiet.as("Edit a provider", "keys", ""), Editing: "http:tickets", Text: someManifest, Problem: "Not stored. Member actions.0.path: it must begin with a slash."})},
		{"provider-review", reviewPage(someReview(quiet.as("What it would open", "keys", "")))},
		{"provider-review-takes", reviewPage(takingReview(quiet.as("What it would open", "keys", "")))},
		{"names", namesPage(namesView{Frame: quiet.as("Names for models", "keys", saidNameSet), Names: someNames()})},
		{"names-none", namesPage(namesView{Frame: quiet.as("Names for models", "keys", ""), Name: "fast", Targets: "groq", Problem: "Not set: a target is provider/model, such as groq/llama-3.3-70b-versatile."})},
		{"pair", pairPage(somePair(quiet.as("Pair an app", "pair", ""), "later"))},
		{"pair-now", pairPage(somePair(quiet.as("Pair an app", "pair", ""), "now"))},
		{"paired", pairedPage(somePaired(quiet.as("Your pairing string", "pair", ""), true))},
		{"paired-later", pairedPage(somePaired(quiet.as("Your pairing string", "pair", ""), false))},
		{"consent-in-browser", consentPage(browserConsent(frame{SignedIn: true, Pending: 1}.as("Notes asks for access", "requests", "")))},
		{"requests", requestsPage(requestsView{Frame: frame{SignedIn: true, Pending: 2}.as("Requests", "requests", ""), Waiting: someWaiting()})},
		{"requests-none", requestsPage(requestsView{Frame: quiet.as("Requests", "requests", saidDenied)})},
		{"consent", consentPage(someConsent(frame{SignedIn: true, Pending: 1}.as("Notes asks for access", "requests", "")))},
		{"consent-several", consentPage(severalConsent(frame{SignedIn: true, Pending: 1}.as("An app asks for access", "requests", "")))},
		{"device", devicePage(deviceView{Frame: quiet.as("Enter the code", "requests", ""), Code: "WDJB-MJHT", Problem: "No app is waiting with this code. Codes lapse after a few minutes: let the app ask again."})},
		{"apps", appsPage(appsView{Frame: quiet.as("Apps", "apps", ""), Apps: someApps(), Revoked: revokedApps()})},
		{"apps-none", appsPage(appsView{Frame: quiet.as("Apps", "apps", "")})},
		{"app", appPage(someApp(quiet.as("Notes", "apps", saidApproved), "active", "good"))},
		{"app-suspended", appPage(someApp(quiet.as("Notes", "apps", saidSuspended), "suspended", "warn"))},
		{"app-revoked", appPage(revokedApp(quiet.as("Notes", "apps", saidRevoked)))},
		{"overview-alerts", overviewPage(overviewView{Frame: frame{SignedIn: true, Alerts: 5}.as("Overview", "overview", saidDismissed), Keys: 2, Apps: someApps(), Alerts: someAlerts()[:3], MoreAlerts: 2, Recent: someEvents()})},
		{"alerts", alertsPage(alertsView{Frame: frame{SignedIn: true, Alerts: 3}.as("Alerts", "overview", ""), Alerts: someAlerts(), Webhook: true, Failure: "the webhook did not take the message: it answered 500", FailedAt: someMoment("today 10:20")})},
		{"alerts-none", alertsPage(alertsView{Frame: quiet.as("Alerts", "overview", "")})},
		{"usage", usagePage(someUsage(quiet.as("Usage", "overview", "")))},
		{"usage-none", usagePage(usageView{Frame: quiet.as("Usage", "overview", ""), Spans: someUsage(quiet).Spans, About: "Notes", Spending: spendingView{Span: "the last 30 days", Total: sumsView{"0", "0", "0", "0", "$0.00", "0", "0", ""}, Chart: chartView{Label: "Requests a day", First: "23 Oct", Last: "today", Most: "0 requests"}}})},
		{"tester", testerPage(testerView{Frame: quiet.as("Would it pass?", "apps", ""), Permissions: somePermissions(), Live: true, Action: "chat.completions", Actions: []string{"chat.completions", "models.list"}})},
		{"tester-passed", testerPage(someTest(quiet.as("Would it pass?", "apps", ""), ""))},
		{"tester-refused", testerPage(someTest(quiet.as("Would it pass?", "apps", ""), "model_not_allowed"))},
		{"tester-problem", testerPage(testerView{Frame: quiet.as("Would it pass?", "apps", ""), Permissions: somePermissions(), Policy: "{", Action: "chat.completions", When: "2026-11-21T10:27", Problem: "A policy document: is not valid JSON."})},
		{"activity", activityPage(activityView{Frame: quiet.as("Activity", "activity", ""), Filters: someFilters(), Events: someEvents(), Shown: 200})},
		{"activity-none", activityPage(activityView{Frame: quiet.as("Activity", "activity", ""), Filters: someFilters(), About: "Notes", Shown: 200})},
		{"unlock", unlockPage(unlockView{Frame: locked.as("Unlock the vault", "", "").on("/unlock"), Back: "/"})},
		{"failure", failurePage(failureView{Frame: quiet.as("This request is gone", "", ""), Title: "This request is gone", Words: "It has lapsed, or never was here. The app can ask again.", Href: "/requests", Do: "To the requests", Request: "req_q5d3f2c4x7h6n2k3m4p5r6s7t8"})},
		{"failure-outside", failurePage(failureView{Frame: frame{Title: "No such page"}, Title: "No such page", Words: "The address leads nowhere in this console.", Href: "/", Do: "To the overview"})},
	}
}

// as fills in what differs from page to page.
func (f frame) as(title, nav string, said outcome) frame {
	f.Title, f.Nav, f.Said, f.Path = title, nav, said.sentence(), "/"
	return f
}

func (f frame) on(path string) frame {
	f.Path = path
	return f
}

func someMoment(words string) moment { return moment{Words: words, ISO: "2026-11-21T10:27:00Z"} }

func someResources() []choice {
	return []choice{{Value: "llm:openai", Label: "OpenAI", Chosen: true}, {Value: "mail:resend", Label: "Resend"}}
}

func someUntil(chosen string) untilView {
	v := untilView{MinDate: "2026-11-21", Choices: []choice{
		{Value: "1d", Label: "1 day"}, {Value: "7d", Label: "7 days"}, {Value: "30d", Label: "30 days"}, {Value: "90d", Label: "90 days"},
		{Value: "date", Label: "Until"}, {Value: "forever", Label: "Forever", Hint: "until you revoke it"},
	}}
	if chosen == "asked" {
		v.Choices = append([]choice{{Value: "asked", Label: "As asked", Hint: "until tomorrow 10:27"}}, v.Choices...)
	}
	for i := range v.Choices {
		v.Choices[i].Chosen = v.Choices[i].Value == chosen
	}
	return v
}

func someKeyOffers() []keyOffer {
	return []keyOffer{{Title: "OpenAI", Keys: []choice{{Value: "llm:openai work", Label: "work"}, {Value: "llm:openai home", Label: "home"}}}}
}

func somePair(f frame, decide string) pairView {
	return pairView{
		Frame: f, Decide: decide, Resources: someResources(), Models: "gpt-4o*", Keys: someKeyOffers(),
		Amount: amountView{Capped: true, Requests: "1000"}, Until: someUntil("30d"), Valid: validChoices("10"),
	}
}

func somePaired(f frame, approve bool) pairedView {
	v := pairedView{
		Frame: f, Value: "pair::https://keys.example.com::Zk3vJ8xQ2mB7nL5tR1wY9cD4fG6hK0pS-aE_uX3iOqM",
		Until: someMoment("today 10:37"), Approve: approve,
	}
	v.Picture, _ = drawQR(v.Value)
	if approve {
		v.Preset = []grantView{{Title: "OpenAI", Resource: "llm:openai", Sentences: []string{"Models: gpt-4o*", "1,000 requests a day", "Until 21 Dec 2026 10:27"}}}
	}
	return v
}

func someWaiting() []waitingView {
	return []waitingView{
		{ID: "req_1", AppName: "Notes", UserCode: "WDJB-MJHT", For: "OpenAI", Asked: someMoment("today 10:24"), Until: someMoment("today 10:34")},
		{ID: "req_2", AppName: "the-name-of-an-app-that-nobody-would-choose-unless-to-see-what-happens-to-the-page", UserCode: "KQXR-PLVN", For: "OpenAI and Resend", Asked: someMoment("today 10:26"), Until: someMoment("today 10:36")},
	}
}

func someConsent(f frame) consentView {
	return consentView{
		Frame: f, ID: "req_1", AppName: "Notes", AppURI: "https://notes.example", Address: "192.0.2.17",
		Reason: "Summarises the notes you select.", UserCode: "WDJB-MJHT", Fingerprint: []string{"K7QD", "2XNA", "PM4V", "ZT6R"},
		Asked: someMoment("today 10:24"), Lapses: someMoment("today 10:34"), Until: someUntil("asked"),
		Grants: []grantView{{
			Suffix: "-0", Title: "OpenAI", Resource: "llm:openai", Models: "gpt-4o*", Included: true,
			Sentences: []string{"Actions: chat.completions", "Models: gpt-4o*", "At most 4,096 tokens of output a request", "100 requests a day", "Until 22 Nov 2026 10:27"},
			Amount:    amountView{Capped: true, Requests: "100", Tokens: "2000000", Dollars: "1.50"},
			Keys:      someKeyOffers(),
		}},
	}
}

func browserConsent(f frame) consentView {
	v := someConsent(f)
	v.UserCode, v.Fingerprint, v.Back = "", nil, back{Origin: "https://notes.example", Rest: "/callback/keywicket"}
	return v
}

func severalConsent(f frame) consentView {
	v := someConsent(f)
	v.AppName = someWaiting()[1].AppName
	v.Alike = []alikeView{{ID: "app_1", Name: v.AppName, Status: "active", Same: true}, {ID: "app_2", Name: "The name of an app", Status: "revoked"}}
	v.AppURI = "https://a-very-long-host-name-that-does-not-fit-on-a-small-screen.example.com/with/a/path"
	v.Address = "2001:db8:85a3:8d3:1319:8a2e:370:7348"
	v.Reason = "Because of aVeryLongWordWithoutAnySpaceInItThatWouldPushThePageApartIfItWereAllowedTo, and for no other reason."
	v.Problem = "Choose the last day on which it may be used."
	v.Until = someUntil("forever")
	v.Grants[0].Sentences[1] = "Models: gpt-4o-mini-2024-07-18-with-a-suffix-that-never-ends-and-never-ends-and-never-ends"
	v.Grants = append(v.Grants, grantView{
		Suffix: "-1", Title: "Resend", Resource: "mail:resend", NoKey: true, Replaces: true,
		Sentences: []string{"Everything Resend offers", "Forever"}, Amount: amountView{Requests: "1000"},
	})
	return v
}

func someApps() []appRow {
	return []appRow{
		{ID: "app_1", Name: "Notes", Status: "active", Tone: "good", Resources: "OpenAI", LastUsed: someMoment("today 10:21"), Total: "1,204 requests so far",
			Meters: []meterView{{Label: "Requests today", Used: 38, Held: 2, Limit: 100}}},
		{ID: "app_2", Name: someWaiting()[1].AppName, Status: "suspended", Tone: "warn", Resources: "OpenAI and Resend", Total: "0 requests so far",
			Meters: []meterView{{Label: "OpenAI: Requests today", Used: 86, Limit: 100}, {Label: "Resend: Requests today", Used: 50, Limit: 50}}},
		{ID: "app_4", Name: "Editor", Status: "waiting", Resources: "Nothing granted yet", Total: "0 requests so far"},
	}
}

func revokedApps() []appRow {
	return []appRow{{ID: "app_3", Name: "Old laptop", Status: "revoked", Tone: "bad", Resources: "OpenAI", LastUsed: someMoment("2 Oct 18:40"), Total: "17 requests so far"}}
}

func someApp(f frame, status, tone string) appView {
	return appView{
		Frame: f, ID: "app_q5d3f2c4x7h6n2k3m4p5r6s7t8", Name: "Notes", URI: "https://notes.example", Status: status, Tone: tone,
		Redirects: []string{"https://notes.example/callback/keywicket"}, Thumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
		Created: someMoment("19 Nov 09:20"), LastUsed: someMoment("today 10:21"),
		Permissions: []permissionView{{
			Title: "OpenAI", Resource: "llm:openai", Provider: providerLink("llm:openai", ""), Since: someMoment("19 Nov 09:21"),
			Sentences: someConsent(f).Grants[0].Sentences,
			Meters: []meterView{
				{Label: "Requests a minute", Used: 4, Limit: 60},
				{Label: "Requests today", Used: 38, Held: 2, Limit: 100, Resets: "starts anew tomorrow 00:00"},
				{Label: "Requests today, gpt-4o", Used: 42, Limit: 50, Resets: "starts anew tomorrow 00:00"},
				{Label: "Requests in all", Used: 2000, Limit: 2000},
				{Label: "Dollars this month", Used: 190_340_000, Held: 12_000_000, Limit: 20_000_000_000, Money: true, Resets: "starts anew 1 Dec 00:00"},
			},
			Requests: "1,204", Input: "842,113", Cached: "310,080", Output: "96,420", Dollars: "$0.19", ID: "per_1",
		}},
		Spending: someSpending(30),
		Sessions: []sessionView{
			{ID: "ses_q5d3f2c4x7h6n2k3m4p5r6s7t8", Address: "192.0.2.17", Fingerprint: []string{"K7QD", "2XNA", "PM4V", "ZT6R"}, Started: someMoment("19 Nov 09:21"), Used: someMoment("today 10:21")},
			{ID: "ses_b2d3f2c4x7h6n2k3m4p5r6s7t9", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Fingerprint: []string{"ZT6R", "K7QD", "2XNA", "PM4V"}, Started: someMoment("today 08:02")},
		},
	}
}

func revokedApp(f frame) appView {
	v := someApp(f, "revoked", "bad")
	v.Sessions, v.Permissions = nil, nil
	return v
}

func someFilters() []choice {
	return []choice{{Label: "Everything", Value: "/activity", Chosen: true}, {Label: "Denied", Value: "/activity?only=denied"}, {Label: "By you", Value: "/activity?only=owner"}}
}

func someEvents() []eventView {
	return []eventView{
		{At: someMoment("today 10:26"), App: someWaiting()[1].AppName, After: "asked for access", Detail: "2001:db8:85a3:8d3:1319:8a2e:370:7348"},
		{At: someMoment("today 10:24"), App: "Notes", After: "was refused", Code: "model_not_allowed", Tone: "bad", Detail: "llm:openai · chat.completions · gpt-5", Ref: "req_q5d3f2c4x7h6n2k3m4p5r6s7t8"},
		{At: someMoment("today 10:21"), App: "Notes", After: "used OpenAI", Tone: "good", Detail: "llm:openai · chat.completions · gpt-4o-mini", Figure: "1,204 tokens · 820 ms"},
		{At: someMoment("today 10:20"), App: "Notes", After: "used OpenAI", Tone: "warn", Code: "app_suspended", Detail: "llm:openai · chat.completions · gpt-4o-mini", Figure: "310 tokens · 12,044 ms"},
		{At: someMoment("today 10:19"), Words: "You suspended", App: "Notes", Tone: "warn"},
		{At: someMoment("today 10:02"), Words: "Somebody tried to sign in", Code: "wrong_passphrase", Tone: "bad", Detail: "192.0.2.99"},
		{At: someMoment("yesterday 18:30"), Words: "You approved", App: "Notes", Tone: "good", Detail: "llm:openai"},
		{At: someMoment("yesterday 18:11"), Words: "You set up the vault", Detail: "console · 192.0.2.5"},
		{At: someMoment("yesterday 18:10"), Words: "The gateway started"},
	}
}
