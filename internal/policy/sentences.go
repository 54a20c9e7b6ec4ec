package policy

import (
	"strconv"
	"strings"
	"time"
)

// Sentences says the document in plain words, one thought each, for the
// consent screen and the terminal. The first says what, the last until when.
// Times are told in zone; nil is local time.
func (d Document) Sentences(zone *time.Location) []string {
	if zone == nil {
		zone = time.Local
	}
	all := []string{"Actions: " + anyOf(d.Actions), "Models: " + anyOf(d.Models)}
	if d.DenyModels != nil {
		all = append(all, "Never models: "+strings.Join(d.DenyModels, ", "))
	}
	if d.Hours != nil {
		all = append(all, d.Hours.words())
	}
	if d.Addresses != nil {
		all = append(all, "From addresses: "+addressWords(d.Addresses))
	}
	if d.Origins != nil {
		all = append(all, "From web pages at: "+strings.Join(d.Origins, ", "))
	}
	if d.RequireBodyHash {
		all = append(all, "Only with proofs that name the request's body")
	}
	if d.MaxInputTokens != 0 {
		all = append(all, "Inputs of at most "+count(d.MaxInputTokens, "token"))
	}
	if d.MaxOutputTokens != 0 {
		all = append(all, "Answers of at most "+count(d.MaxOutputTokens, "token"))
	}
	if d.MaxBodyBytes != 0 {
		all = append(all, "Requests of at most "+count(d.MaxBodyBytes, "byte"))
	}
	if !d.Tools.allows() {
		all = append(all, "No tools")
	}
	if !d.Streaming.allows() {
		all = append(all, "No streaming")
	}
	if d.Mail != nil {
		all = append(all, d.Mail.sentences()...)
	}
	if d.Key != "" {
		all = append(all, "With the key "+strconv.Quote(d.Key)+" only")
	}
	all = append(all, d.limitSentences()...)
	if !d.NotBefore.IsZero() {
		all = append(all, "From "+moment(d.NotBefore, zone))
	}
	if d.ExpiresAt.IsZero() {
		return append(all, "Forever")
	}
	return append(all, "Until "+moment(d.ExpiresAt, zone))
}

func (d Document) limitSentences() []string {
	var all []string
	for _, l := range d.Limits {
		for _, u := range units {
			if u.cap(l) != 0 {
				all = append(all, l.ceiling(u))
			}
		}
	}
	if len(d.Limits) == 0 {
		all = append(all, "Any number of requests")
	}
	if d.Concurrency != 0 {
		all = append(all, "At most "+count(int64(d.Concurrency), "request")+" at once")
	}
	return all
}

// ceiling is the limit's sentence on the consent screen: an amount of money
// alone could be taken for a price.
func (l Limit) ceiling(u Unit) string {
	if u == NanoDollars {
		return "At most " + l.sentence(u)
	}
	return l.sentence(u)
}

// sentence says what the limit allows of a unit.
func (l Limit) sentence(u Unit) string {
	every := map[Period]string{Minute: " a minute", Day: " a day", Month: " a month", Lifetime: " in total"}
	s := u.words(u.cap(l)) + every[l.Per]
	if l.Model != "" {
		s += " to " + l.Model
	}
	return s
}

// words are an amount of the unit: "50 requests", "$1.50".
func (u Unit) words(n int64) string {
	if u != NanoDollars {
		return count(n, strings.TrimSuffix(string(u), "s"))
	}
	whole, cents, _ := strings.Cut(Dollars(n).String(), ".")
	return "$" + thousands(whole) + "." + cents
}

func anyOf(names []string) string {
	switch {
	case names == nil:
		return "all"
	case len(names) == 0:
		return "none"
	}
	return strings.Join(names, ", ")
}

func moment(t time.Time, zone *time.Location) string { return t.In(zone).Format("2 Jan 2006 15:04") }

// count is a number with thousands apart and its noun.
func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return thousands(strconv.FormatInt(n, 10)) + " " + noun
}

// thousands puts commas into a whole number.
func thousands(digits string) string {
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
