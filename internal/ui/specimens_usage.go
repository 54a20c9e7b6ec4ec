package ui

import "fmt"

func someSums(dollars string) sumsView {
	return sumsView{Requests: "1,204", Input: "842,113", Cached: "310,080", Output: "96,420", Dollars: dollars, Refused: "17", Errors: "3", Mean: "1,820 ms"}
}

func someSpending(days int) spendingView {
	v := spendingView{
		Span: fmt.Sprintf("the last %d days", days), Total: someSums("$0.19"),
		Chart: chartView{Label: "Dollars a day", First: "23 Oct", Last: "today", Most: "$0.0312"},
		Models: []usageRow{
			{Label: "gpt-4o", Sums: someSums("$0.14")},
			{Label: "gpt-4o-mini-2024-07-18-with-a-suffix-that-never-ends-and-never-ends", Sums: someSums("< $0.0001")},
			{Label: "(none)", Sums: sumsView{"2", "0", "0", "0", "$0.00", "0", "0", ""}},
		},
		Refused: []ruleRow{{"models", "12"}, {"limits.requests", "4"}, {"max_output_tokens", "1"}},
	}
	for i := range days {
		v.Chart.Bars = append(v.Chart.Bars, barOf(i, days, int64(i*i*7%97), 97, fmt.Sprintf("day %d", i)))
	}
	return v
}

func someUsage(f frame) usageView {
	return usageView{
		Frame: f, Spending: someSpending(90),
		Spans: []choice{{Label: "7 days", Value: "/usage?days=7"}, {Label: "30 days", Value: "/usage?days=30"}, {Label: "90 days", Value: "/usage?days=90", Chosen: true}, {Label: "365 days", Value: "/usage?days=365"}},
		Apps: []usageRow{
			{Label: "Notes", Href: "/apps/app_1", Sums: someSums("$0.14")},
			{Label: someWaiting()[1].AppName, Href: "/apps/app_2", Sums: someSums("$0.05")},
		},
		Resources: []usageRow{{Label: "llm:openai", Sums: someSums("$0.19")}},
	}
}

func someAlerts() []alertView {
	return []alertView{
		{ID: "alert_1", At: someMoment("today 10:25"), App: "Notes", Href: "/apps/app_1", After: "has used up its 1,000 requests a day", Title: "OpenAI", New: true, Tone: "bad"},
		{ID: "alert_2", At: someMoment("today 10:21"), App: someWaiting()[1].AppName, Href: "/apps/app_2", After: "was refused 20 times within 4 seconds, last with model_not_allowed", Title: "OpenAI", New: true, Tone: "bad"},
		{ID: "alert_3", At: someMoment("today 09:58"), App: "Notes", Href: "/apps/app_1", After: "has used 80 % of its $1.50 a day for gpt-4o*", Title: "OpenAI", New: true, Tone: "warn"},
		{ID: "alert_4", At: someMoment("yesterday 18:02"), App: "Notes", Href: "/apps/app_1", After: "has used 80 % of its 2,000,000 tokens a month", Title: "OpenAI"},
	}
}

func somePermissions() []choice {
	return []choice{
		{Label: "A document of your own, below"},
		{Value: "per_1", Label: "Notes: OpenAI", Chosen: true},
		{Value: "per_2", Label: someWaiting()[1].AppName + ": Resend"},
	}
}

func someTest(f frame, code string) testerView {
	v := testerView{
		Frame: f, Permissions: somePermissions(), Permission: "per_1", Live: true, Action: "chat.completions", Model: "gpt-4o",
		Input: "1200", Output: "500", Stream: true, Done: true, Code: code,
		Checks: []checkView{
			{Rule: "app_status", Result: "pass", Tone: "good", Why: "the app is active"},
			{Rule: "actions", Result: "pass", Tone: "good", Why: "not restricted"},
			{Rule: "models", Result: "pass", Tone: "good", Why: "granted"},
			{Rule: "max_output_tokens", Result: "pass", Tone: "good", Why: "nothing asked: the cap is written into the request"},
			{Rule: "limits", Result: "pass", Tone: "good", Why: "there is room"},
		},
	}
	if code == "" {
		return v
	}
	v.Checks[2] = checkView{Rule: "models", Result: "fail", Tone: "bad", Code: code, Why: "model \"gpt-4o-mini-2024-07-18-with-a-suffix-that-never-ends\" is not among the models granted for llm:openai: gpt-4o*, text-embedding-3-*"}
	for i := 3; i < len(v.Checks); i++ {
		v.Checks[i] = checkView{Rule: v.Checks[i].Rule, Result: "not reached"}
	}
	return v
}
