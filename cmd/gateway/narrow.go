package main

import (
	"net/netip"
	"strings"

	"github.com/keywicket/keywicket/internal/policy"
)

// document is the policy that the flags of pair spell, without a resource, and
// whether any of them narrows it.
func (g *gateway) document() (d policy.Document, narrowed bool, err error) {
	d = policy.Document{
		Actions: g.actions, Models: g.models, DenyModels: g.denyModels,
		Origins: g.origins, RequireBodyHash: g.bodyHash,
		MaxInputTokens: g.maxInput, MaxOutputTokens: g.maxOutput, Concurrency: int(g.concurrency), Key: g.pinnedKey,
	}
	for _, limit := range []policy.Limit{
		{Per: policy.Minute, Requests: g.perMinute, Tokens: g.minuteTokens},
		{Per: policy.Day, Requests: g.perDay, Tokens: g.dayTokens, Dollars: g.dayDollars},
		{Per: policy.Month, Requests: g.perMonth, Tokens: g.monthTokens, Dollars: g.monthDollars},
		{Per: policy.Lifetime, Requests: g.lifetime, Tokens: g.lifetimeTokens, Dollars: g.lifetimeDollars},
	} {
		if limit.Requests > 0 || limit.Tokens > 0 || limit.Dollars > 0 {
			d.Limits = append(d.Limits, limit)
		}
	}
	if d.Hours, err = g.window(); err != nil {
		return d, false, err
	}
	if d.Addresses, err = addressesOf(g.addresses); err != nil {
		return d, false, err
	}
	lists := len(d.Actions) + len(d.Models) + len(d.DenyModels) + len(d.Origins) + len(d.Limits) + len(d.Addresses)
	return d, lists > 0 || d.Hours != nil || d.RequireBodyHash || d.MaxInputTokens > 0 || d.MaxOutputTokens > 0 || d.Concurrency > 0 || d.Key != "", nil
}

// window is what --hours and --days say; nil when neither does. Days without
// hours are whole days.
func (g *gateway) window() (*policy.Hours, error) {
	if g.hours == "" && len(g.days) == 0 {
		return nil, nil
	}
	var h policy.Hours
	from, to := "00:00", "24:00"
	if g.hours != "" {
		var two bool
		if from, to, two = strings.Cut(g.hours, "-"); !two {
			return nil, usagef("--hours: give two times, such as 09:00-18:00")
		}
	}
	if h.From.UnmarshalText([]byte(strings.TrimSpace(from))) != nil || h.To.UnmarshalText([]byte(strings.TrimSpace(to))) != nil {
		return nil, usagef("--hours: give two times, such as 09:00-18:00")
	}
	for _, day := range g.days {
		h.Days = append(h.Days, policy.Weekday(day))
	}
	return &h, nil
}

// addressesOf reads networks; an address alone is a network of its own.
func addressesOf(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if ip, alone := netip.ParseAddr(text); alone == nil {
			network, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, usagef("--addresses: %q is not a network; give one such as 203.0.113.0/24", text)
		}
		all = append(all, network)
	}
	return all, nil
}
