package client

import (
	"math"
	"math/big"
	"reflect"
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
	// max_input_tokens, max_output_tokens, max_body_bytes, tools, streaming, mail, limits, concurrency, not_before, expires_at.
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
		{"max_input_tokens", lower(asked.MaxInputTokens, granted.MaxInputTokens)},
		{"max_output_tokens", lower(asked.MaxOutputTokens, granted.MaxOutputTokens)},
		{"max_body_bytes", lower(asked.MaxBodyBytes, granted.MaxBodyBytes)},
		{"tools", granted.Tools == "deny" && asked.Tools != "deny"},
		{"streaming", granted.Streaming == "deny" && asked.Streaming != "deny"},
		{"mail", granted.Mail != nil && !reflect.DeepEqual(asked.Mail, granted.Mail)},
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

// limited says whether there is a limit that was not asked for as low, in some unit.
func limited(asked, granted []Limit) bool {
	return slices.ContainsFunc(granted, func(g Limit) bool {
		return !slices.ContainsFunc(asked, func(a Limit) bool {
			return a.Per == g.Per && a.Model == g.Model && !lower(a.Requests, g.Requests) && !lower(a.Tokens, g.Tokens) &&
				!lower(nanoDollars(a.Dollars), nanoDollars(g.Dollars))
		})
	})
}

// nanoDollars reads a decimal; one that does not read is the lowest.
func nanoDollars(decimal string) int64 {
	if decimal == "" {
		return 0
	}
	amount, ok := new(big.Rat).SetString(decimal)
	if !ok || amount.Sign() <= 0 {
		return 1
	}
	amount.Mul(amount, big.NewRat(1e9, 1))
	whole := new(big.Int).Quo(amount.Num(), amount.Denom())
	if !whole.IsInt64() {
		return math.MaxInt64
	}
	return max(whole.Int64(), 1)
}
