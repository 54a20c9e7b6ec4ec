package policy

import (
	"fmt"
	"net/netip"
	"time"
)

// reading turns given members into a document's and keeps the first refusal.
type reading struct{ err error }

func (r *reading) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reading) instant(path string, t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	u, err := instant(path, *t)
	r.keep(err)
	return u
}

// expiry is the absolute expiry; zero is "forever".
func (r *reading) expiry(g given, now time.Time) time.Time {
	if g.ExpiresIn == nil {
		return r.instant("expires_at", g.ExpiresAt)
	}
	if g.ExpiresAt != nil {
		r.keep(refuse("expires_in", "cannot be given together with expires_at"))
	}
	d, err := lifetime("expires_in", g.ExpiresIn)
	r.keep(err)
	return now.UTC().Add(d).Truncate(time.Second)
}

func (r *reading) amount(path string, n *int64) int64 {
	if n == nil {
		return 0
	}
	r.keep(amount(path, *n))
	return *n
}

func (r *reading) access(path string, a *Access) Access {
	if a == nil {
		return ""
	}
	if *a == "" {
		r.keep(refuse(path, `must be "allow" or "deny"`))
	}
	return *a
}

func (r *reading) limits(all []givenLimit) []Limit {
	if all == nil {
		return nil
	}
	limits := make([]Limit, 0, len(all))
	for i, g := range all {
		at := fmt.Sprintf("limits[%d]", i)
		l := Limit{
			Per:      g.Per,
			Requests: r.amount(at+".requests", g.Requests),
			Tokens:   r.amount(at+".tokens", g.Tokens),
			Dollars:  r.dollars(at+".dollars", g.Dollars),
		}
		if g.Model != nil {
			l.Model = *g.Model
			r.keep(glob(at+".model", l.Model))
		}
		limits = append(limits, l)
	}
	return limits
}

func (r *reading) dollars(path string, text *amountText) Dollars {
	if text == nil {
		return 0
	}
	n, err := ParseDollars(string(*text))
	if err != nil {
		r.keep(refuse(path, "%s", err))
		return 0
	}
	r.keep(dollars(path, n))
	return n
}

// hours without times of day are whole days.
func (r *reading) hours(g *givenHours) *Hours {
	if g == nil {
		return nil
	}
	h := Hours{To: endOfDay, Days: g.Days}
	if g.From != nil || g.To != nil || g.Days == nil {
		h.From, h.To = r.timeOfDay("hours.from", g.From), r.timeOfDay("hours.to", g.To)
	}
	return &h
}

func (r *reading) timeOfDay(path string, text *string) TimeOfDay {
	if text == nil {
		r.keep(refuse(path, `is required, for example "09:00"`))
		return 0
	}
	t, ok := timeOfDay(*text)
	if !ok {
		r.keep(refuse(path, `must be a time of day from "00:00" to "24:00"`))
	}
	return t
}

func (r *reading) addresses(all []string) []netip.Prefix {
	if all == nil {
		return nil
	}
	networks := make([]netip.Prefix, 0, len(all))
	for i, text := range all {
		p, err := network(fmt.Sprintf("addresses[%d]", i), text)
		r.keep(err)
		networks = append(networks, p)
	}
	return networks
}

func (r *reading) mail(g *givenMail) *Mail {
	if g == nil {
		return nil
	}
	return &Mail{
		FromDomains:        r.domains("mail.from_domains", g.FromDomains),
		ToDomains:          r.domains("mail.to_domains", g.ToDomains),
		MaxRecipients:      r.amount("mail.max_recipients", g.MaxRecipients),
		HTML:               r.access("mail.html", g.HTML),
		MaxAttachmentBytes: g.MaxAttachmentBytes,
	}
}

func (r *reading) domains(path string, all []string) []string {
	ascii, err := domains(path, all)
	r.keep(err)
	return ascii
}
