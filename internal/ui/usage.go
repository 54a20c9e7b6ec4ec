package ui

import "github.com/keywicket/keywicket/internal/policy"

// meter is one limit as a bar.
func (u *UI) meter(s policy.LimitState) meterView {
	label := map[policy.Period]string{
		policy.Minute:   "Requests a minute",
		policy.Day:      "Requests today",
		policy.Month:    "Requests this month",
		policy.Lifetime: "Requests in all",
	}[s.Per]
	if s.Model != "" {
		label += ", " + s.Model
	}
	m := meterView{Label: label, Used: s.Used, Held: s.Held, Limit: s.Limit}
	if !s.ResetsAt.IsZero() && s.Per != policy.Minute {
		m.Resets = "starts anew " + u.at(s.ResetsAt).Words
	}
	return m
}
