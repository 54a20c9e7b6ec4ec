package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Validate checks a document made in code as [Parse] checks one that was
// given. The error is a *[DocumentError].
func (d Document) Validate() error {
	return firstError(
		resource(d.Resource),
		d.validateActions(),
		d.validateTimes(),
		d.validateHours(),
		d.validateAddresses(),
		d.validateOrigins(),
		globs("models", d.Models),
		globs("deny_models", d.DenyModels),
		optionalAmount("max_input_tokens", d.MaxInputTokens),
		optionalAmount("max_output_tokens", d.MaxOutputTokens),
		optionalAmount("max_body_bytes", d.MaxBodyBytes),
		d.Tools.validate("tools"),
		d.Streaming.validate("streaming"),
		d.validateMail(),
		validateKey(d.Key),
		d.validateLimits(),
		d.validateConcurrency(),
	)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func resource(r string) error {
	if r == "" {
		return refuse("resource", "is required, for example llm:openai")
	}
	kind, id, found := strings.Cut(r, ":")
	if !found || !name(kind) || !name(id) {
		return refuse("resource", "must be type:name in lower-case letters, digits, dots, dashes and underscores, for example llm:openai")
	}
	return nil
}

// name says that s can name a resource's half or an action.
func name(s string) bool {
	if s == "" || len(s) > maxNameBytes {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

func (d Document) validateActions() error {
	if err := list("actions", d.Actions, maxActions); err != nil {
		return err
	}
	for i, a := range d.Actions {
		if !name(a) {
			return refuse(fmt.Sprintf("actions[%d]", i), "must be an action's name, for example chat.completions")
		}
	}
	return nil
}

func (d Document) validateTimes() error {
	for _, t := range []struct {
		path string
		at   time.Time
	}{{"not_before", d.NotBefore}, {"expires_at", d.ExpiresAt}} {
		if !t.at.IsZero() {
			if _, err := instant(t.path, t.at); err != nil {
				return err
			}
		}
	}
	if !d.NotBefore.IsZero() && !d.ExpiresAt.IsZero() && !d.NotBefore.Before(d.ExpiresAt) {
		return refuse("expires_at", "must be later than not_before")
	}
	return nil
}

// globs checks a list of globs. Model names are visible ASCII; anything else
// could show the owner another text than the one that is compared.
func globs(path string, all []string) error {
	if err := list(path, all, maxGlobs); err != nil {
		return err
	}
	for i, g := range all {
		if err := glob(fmt.Sprintf("%s[%d]", path, i), g); err != nil {
			return err
		}
	}
	return nil
}

func glob(path, g string) error {
	if g == "" || len(g) > maxGlobBytes || !visible(g) {
		return refuse(path, "must be a model's name or a glob of 1 to %d visible ASCII characters", maxGlobBytes)
	}
	return nil
}

// list checks a list that does not restrict when it is absent (nil) and must
// say something when it is there.
func list(path string, all []string, most int) error {
	if all != nil && (len(all) == 0 || len(all) > most) {
		return refuse(path, "must list 1 to %d; leave it out to allow all", most)
	}
	for i, s := range all {
		if slices.Contains(all[:i], s) {
			return refuse(fmt.Sprintf("%s[%d]", path, i), "is listed twice")
		}
	}
	return nil
}

func optionalAmount(path string, n int64) error {
	if n == 0 {
		return nil
	}
	return amount(path, n)
}

func amount(path string, n int64) error {
	if n < 1 {
		return refuse(path, "must be at least 1")
	}
	if n > maxAmount {
		return refuse(path, "must be at most %d", int64(maxAmount))
	}
	return nil
}

func (d Document) validateHours() error {
	if d.Hours == nil {
		return nil
	}
	return d.Hours.validate()
}

func (d Document) validateMail() error {
	if d.Mail == nil {
		return nil
	}
	return d.Mail.validate()
}

func (a Access) validate(path string) error {
	if a != "" && a != Allow && a != Deny {
		return refuse(path, `must be "allow" or "deny"`)
	}
	return nil
}

func (d Document) validateLimits() error {
	if d.Limits != nil && (len(d.Limits) == 0 || len(d.Limits) > maxLimits) {
		return refuse("limits", "must list 1 to %d; leave it out for no limit", maxLimits)
	}
	for i, l := range d.Limits {
		at := fmt.Sprintf("limits[%d]", i)
		if err := l.validate(at); err != nil {
			return err
		}
		for j, other := range d.Limits[:i] {
			if l.counts(other) {
				return refuse(at, "counts the same as limits[%d]; keep one of them", j)
			}
		}
	}
	return nil
}

func (l Limit) validate(at string) error {
	switch l.Per {
	case Minute, Day, Month, Lifetime:
	case "":
		return refuse(at+".per", "is required: minute, day, month or lifetime")
	default:
		return refuse(at+".per", "must be minute, day, month or lifetime")
	}
	if l.Model != "" {
		if err := glob(at+".model", l.Model); err != nil {
			return err
		}
	}
	if l.Requests == 0 && l.Tokens == 0 && l.Dollars == 0 {
		return refuse(at, "must cap something: give requests, tokens or dollars")
	}
	return firstError(
		optionalAmount(at+".requests", l.Requests),
		optionalAmount(at+".tokens", l.Tokens),
		optionalDollars(at+".dollars", l.Dollars),
	)
}

func optionalDollars(path string, n Dollars) error {
	if n == 0 {
		return nil
	}
	return dollars(path, n)
}

func dollars(path string, n Dollars) error {
	if n <= 0 {
		return refuse(path, "must be more than 0")
	}
	if n > maxDollars {
		return refuse(path, "must be at most %s dollars", Dollars(maxDollars))
	}
	return nil
}

// counts says that two limits would share a counter.
func (l Limit) counts(other Limit) bool {
	if l.Per != other.Per || countedModel(l.Model) != countedModel(other.Model) {
		return false
	}
	return l.Requests != 0 && other.Requests != 0 || l.Tokens != 0 && other.Tokens != 0 || l.Dollars != 0 && other.Dollars != 0
}

func (d Document) validateConcurrency() error {
	if d.Concurrency > maxConcurrency {
		return refuse("concurrency", "must be at most %d", maxConcurrency)
	}
	return optionalAmount("concurrency", int64(d.Concurrency))
}
