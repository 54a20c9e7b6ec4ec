package ui

import "github.com/keywicket/keywicket/internal/policy"

// meter is one limit as a bar.
func (u *UI) meter(s policy.LimitState) meterView {
	label := map[policy.Unit]string{
		policy.Requests: "Requests", policy.Tokens: "Tokens", policy.NanoDollars: "Dollars",
	}[s.Unit] + map[policy.Period]string{
		policy.Minute: " a minute", policy.Day: " today", policy.Month: " this month", policy.Lifetime: " in all",
	}[s.Per]
	if s.Model != "" {
		label += ", " + s.Model
	}
	m := meterView{Label: label, Used: s.Used, Held: s.Held, Limit: s.Limit, Money: s.Unit == policy.NanoDollars}
	if !s.ResetsAt.IsZero() && s.Per != policy.Minute {
		m.Resets = "starts anew " + u.at(s.ResetsAt).Words
	}
	return m
}
