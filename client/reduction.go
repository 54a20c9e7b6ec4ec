package client

import (
	"slices"
	"time"
)

// Reduction is a resource of which the owner has granted less than was asked.
type Reduction struct {
	Resource string
	Asked    Permission
	Granted  Permission // zero when Refused
	Refused  bool       // nothing was granted
	// Less names what is narrower than asked, as policy documents do: actions, models, deny_models,
	// max_output_tokens, max_body_bytes, tools, streaming, limits, concurrency, not_before, expires_at.
	Less []string
}

// Reductions compares what was asked with what is granted, as of the last renewal of the token. To get less than one
// has asked for is normal: an app looks here to know what it has to do without. What is granted in other words than it
// was asked in (a glob for another glob) counts as less.
func (c *Connection) Reductions() []Reduction {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Reduction
	for _, asked := range c.kept.Asked {
		at := slices.IndexFunc(c.kept.Granted, func(p Permission) bool { return p.Resource == asked.Resource })
		if at < 0 {
			all = append(all, Reduction{Resource: asked.Resource, Asked: asked, Refused: true})
			continue
		}
		granted := c.kept.Granted[at]
		if less := narrower(asked, granted, c.kept.AskedAt); len(less) > 0 {
			all = append(all, Reduction{Resource: asked.Resource, Asked: asked, Granted: granted, Less: less})
		}
	}
	return all
}

// narrower names the members in which granted allows less than asked.
func narrower(asked, granted Permission, askedAt time.Time) (less []string) {
	for _, member := range []struct {
		name string
		less bool
	}{
		{"actions", fewer(asked.Actions, granted.Actions)},
		{"models", fewer(asked.Models, granted.Models)},
		{"deny_models", !within(granted.DenyModels, asked.DenyModels)},
		{"max_output_tokens", lower(asked.MaxOutputTokens, granted.MaxOutputTokens)},
		{"max_body_bytes", lower(asked.MaxBodyBytes, granted.MaxBodyBytes)},
		{"tools", granted.Tools == "deny" && asked.Tools != "deny"},
		{"streaming", granted.Streaming == "deny" && asked.Streaming != "deny"},
		{"limits", limited(asked.Limits, granted.Limits)},
		{"concurrency", lower(int64(asked.Concurrency), int64(granted.Concurrency))},
		{"not_before", granted.NotBefore.After(asked.NotBefore) && granted.NotBefore.After(askedAt)},
		{"expires_at", asked.ExpiresIn > 0 && !granted.ExpiresAt.IsZero() && granted.ExpiresAt.Before(askedAt.Add(asked.ExpiresIn-time.Minute))},
	} {
		if member.less {
			less = append(less, member.name)
		}
	}
	return less
}

// fewer compares lists of what is allowed, where empty allows all.
func fewer(asked, granted []string) bool {
	return len(granted) > 0 && (len(asked) == 0 || !within(asked, granted))
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}

// lower compares caps, where 0 is none.
func lower(asked, granted int64) bool { return granted > 0 && (asked == 0 || granted < asked) }

// limited says whether there is a limit that was not asked for as low.
func limited(asked, granted []Limit) bool {
	return slices.ContainsFunc(granted, func(g Limit) bool {
		return !slices.ContainsFunc(asked, func(a Limit) bool {
			return a.Per == g.Per && a.Model == g.Model && a.Requests <= g.Requests
		})
	})
}
