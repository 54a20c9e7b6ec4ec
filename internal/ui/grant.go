package ui

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/vault"
)

const (
	defaultDays     = 30   // how long a permission lasts unless the owner says otherwise
	defaultRequests = 1000 // a day, likewise
)

// terms are the ends that the form offers besides a date and forever.
var terms = []struct {
	value, label string
	days         int
}{{"1d", "1 day", 1}, {"7d", "7 days", 7}, {"30d", "30 days", defaultDays}, {"90d", "90 days", 90}}

// formError says what is wrong with a form, to the owner.
type formError string

func (e formError) Error() string { return string(e) }

// untilChoices offers ends. With asked, an end that all documents name is a
// choice too, and is the chosen one unless it lies further ahead than the
// default. Chosen overrides.
func (u *UI) untilChoices(chosen, date string, asked []policy.Document) untilView {
	now := u.cfg.Clock().In(u.cfg.Zone)
	v := untilView{Date: date, MinDate: now.Format(time.DateOnly)}
	if last, all := lastEnd(asked); all {
		v.Choices = append(v.Choices, choice{Value: "asked", Label: "As asked", Hint: "until " + u.at(last).Words})
		if chosen == "" && !last.After(now.AddDate(0, 0, defaultDays)) {
			chosen = "asked"
		}
	}
	for _, t := range terms {
		v.Choices = append(v.Choices, choice{Value: t.value, Label: t.label})
	}
	forever := "until you revoke it"
	if slices.ContainsFunc(asked, func(d policy.Document) bool { return d.ExpiresAt.IsZero() }) {
		forever = "as asked, until you revoke it"
	}
	v.Choices = append(v.Choices,
		choice{Value: "date", Label: "Until"},
		choice{Value: "forever", Label: "Forever", Hint: forever})
	if !slices.ContainsFunc(v.Choices, func(c choice) bool { return c.Value == chosen }) {
		chosen = "30d"
	}
	for i := range v.Choices {
		v.Choices[i].Chosen = v.Choices[i].Value == chosen
	}
	return v
}

// lastEnd is the latest end of documents, and whether all of them have one.
func lastEnd(documents []policy.Document) (last time.Time, all bool) {
	for _, d := range documents {
		if d.ExpiresAt.IsZero() {
			return time.Time{}, false
		}
		if d.ExpiresAt.After(last) {
			last = d.ExpiresAt
		}
	}
	return last, len(documents) > 0
}

// setEnds gives documents the end that the form names. No end is given only
// for the explicit "forever".
func (u *UI) setEnds(c echo.Context, documents []policy.Document) error {
	chosen := posted(c, "until")
	if chosen == "asked" {
		if _, all := lastEnd(documents); !all {
			return formError("Choose until when.")
		}
		return nil
	}
	end, err := u.end(chosen, posted(c, "until_date"))
	if err != nil {
		return err
	}
	for i := range documents {
		documents[i].ExpiresAt = end
	}
	return nil
}

// end is the instant that a choice names; zero for "forever" only.
func (u *UI) end(chosen, date string) (time.Time, error) {
	now := u.cfg.Clock().In(u.cfg.Zone)
	switch chosen {
	case "forever":
		return time.Time{}, nil
	case "date":
		day, err := time.ParseInLocation(time.DateOnly, date, u.cfg.Zone)
		if err != nil {
			return time.Time{}, formError("Choose the last day on which it may be used.")
		}
		end := day.AddDate(0, 0, 1) // the day named is the last one
		if !end.After(now) || day.Year() > 9998 {
			return time.Time{}, formError("The last day must be today or later.")
		}
		return end.UTC(), nil
	}
	for _, t := range terms {
		if t.value == chosen {
			return now.AddDate(0, 0, t.days).UTC().Truncate(time.Second), nil
		}
	}
	return time.Time{}, formError("Choose until when.")
}

// amountOf is the daily cap of a document, as the form shows it. A document
// has one at most.
func amountOf(d policy.Document) amountView {
	i := slices.IndexFunc(d.Limits, isDailyCap)
	if i < 0 {
		return amountView{Requests: strconv.Itoa(defaultRequests)}
	}
	v, day := amountView{Capped: true}, d.Limits[i]
	if day.Requests > 0 {
		v.Requests = strconv.FormatInt(day.Requests, 10)
	}
	if day.Tokens > 0 {
		v.Tokens = strconv.FormatInt(day.Tokens, 10)
	}
	if day.Dollars > 0 {
		v.Dollars = day.Dollars.String()
	}
	return v
}

// isDailyCap says whether l is the limit that the form edits.
func isDailyCap(l policy.Limit) bool { return l.Per == policy.Day && l.Model == "" }

// setAmount gives the document the daily cap that the form names.
func setAmount(c echo.Context, suffix string, d *policy.Document) error {
	limits := slices.DeleteFunc(slices.Clone(d.Limits), isDailyCap)
	switch posted(c, "amount"+suffix) {
	case "capped":
		before := amountView{}
		if slices.ContainsFunc(d.Limits, isDailyCap) {
			before = amountOf(*d)
		}
		day, err := dailyCap(c, suffix, before)
		if err != nil {
			return err
		}
		limits = append(limits, day)
	case "uncapped":
	default:
		return formError("Choose up to how much.")
	}
	d.Limits = nil
	if len(limits) > 0 {
		d.Limits = limits
	}
	return nil
}

// dailyCap reads the amounts of the form. Where a field was not sent, nobody
// has said that its cap goes away: it stays as it is.
func dailyCap(c echo.Context, suffix string, before amountView) (policy.Limit, error) {
	field := func(name, otherwise string) string {
		if !c.Request().PostForm.Has(name + suffix) {
			return otherwise
		}
		return strings.TrimSpace(posted(c, name+suffix))
	}
	day := policy.Limit{Per: policy.Day}
	for _, amount := range []struct {
		text, what string
		into       *int64
	}{{field("requests", before.Requests), "requests", &day.Requests}, {field("tokens", before.Tokens), "tokens", &day.Tokens}} {
		if amount.text == "" {
			continue
		}
		n, err := strconv.ParseInt(amount.text, 10, 64)
		if err != nil || n < 1 {
			return day, formError("Give the number of " + amount.what + " a day, from 1.")
		}
		*amount.into = n
	}
	if text := field("dollars", before.Dollars); text != "" {
		n, err := policy.ParseDollars(text)
		if err != nil || n < 1 {
			return day, formError("Give the dollars a day as an amount such as 1.50.")
		}
		day.Dollars = n
	}
	if day.Requests == 0 && day.Tokens == 0 && day.Dollars == 0 {
		return day, formError("Give the number of requests a day, from 1, or of tokens, or dollars.")
	}
	return day, nil
}

// setModels gives the document the models that the form names. An empty field
// does not restrict; without the field nobody has said that.
func setModels(c echo.Context, suffix string, d *policy.Document) error {
	d.Models = nil
	field := "models" + suffix
	named := posted(c, field)
	if !c.Request().PostForm.Has(field) {
		return formError("Say which models, or leave their field empty to allow every one.")
	}
	for _, model := range strings.FieldsFunc(named, func(r rune) bool { return r == ',' || r <= ' ' }) {
		if !slices.Contains(d.Models, model) {
			d.Models = append(d.Models, model)
		}
	}
	return nil
}

// keyOffers lists the keys of each resource that has several; chosen is one as
// keyValue makes it, or "".
func (u *UI) keyOffers(chosen string, resources ...string) []keyOffer {
	var groups []keyOffer
	for _, resource := range resources {
		stored := u.cfg.Vault.CredentialsFor(resource)
		if len(stored) < 2 {
			continue
		}
		g := keyOffer{Title: u.title(resource)}
		for _, key := range stored {
			value := keyValue(resource, key.Label)
			g.Keys = append(g.Keys, choice{Value: value, Label: key.Label, Chosen: value == chosen})
		}
		if label, of := strings.CutPrefix(chosen, resource+" "); of && !slices.ContainsFunc(stored, labelled(label)) {
			g.Keys = append(g.Keys, choice{Value: chosen, Label: label + " (not stored)", Chosen: true})
		}
		groups = append(groups, g)
	}
	return groups
}

// keyValue names a key in a form; "" for none.
func keyValue(resource, label string) string {
	if label == "" {
		return ""
	}
	return resource + " " + label
}

func labelled(label string) func(vault.Credential) bool {
	return func(key vault.Credential) bool { return key.Label == label }
}

// setKey gives the document the key that the form names. An empty field leaves
// the choice to the gateway; without the field nobody has said anything, and it
// stays as it is.
func (u *UI) setKey(c echo.Context, suffix string, d *policy.Document) error {
	field := "key" + suffix
	if !c.Request().PostForm.Has(field) {
		return nil
	}
	label, of := strings.CutPrefix(posted(c, field), d.Resource+" ")
	switch {
	case posted(c, field) == "":
		d.Key = ""
		return nil
	case !of || label == "":
		return formError("Choose a key of " + u.title(d.Resource) + ", or any.")
	case label != d.Key && !slices.ContainsFunc(u.cfg.Vault.CredentialsFor(d.Resource), labelled(label)):
		return formError("There is no such key any more: choose another, or any.")
	}
	d.Key = label
	return nil
}

// documentProblem says in words why a document cannot be granted; refused is
// false for errors that are not about the form.
func documentProblem(err error, others ...error) (words string, refused bool) {
	if wrong, ok := errors.AsType[formError](err); ok {
		return wrong.Error(), true
	}
	if wrong, ok := errors.AsType[*policy.DocumentError](err); ok {
		return "This cannot be granted: " + wrong.Error() + ".", true
	}
	for _, other := range others {
		if errors.Is(err, other) {
			return "This cannot be granted: " + err.Error() + ".", true
		}
	}
	return "", false
}
