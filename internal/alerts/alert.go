package alerts

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind says what an alert is about. It is the type of the webhook's message.
type Kind string

// The kinds. Test is sent to the webhook when the owner tries it, and is never
// on the board.
const (
	LimitNear    Kind = "limit.near"    // 80 % used
	LimitReached Kind = "limit.reached" // 100 % used
	DeniedBurst  Kind = "app.denied"    // refused again and again
	Test         Kind = "test"
)

// Alert is one thing the owner would want to know.
type Alert struct {
	ID   string    `json:"id"`
	Kind Kind      `json:"kind"`
	Time time.Time `json:"time"` // UTC
	// App says who. Its name is the app's own text.
	AppID     string `json:"app_id,omitzero"`
	AppName   string `json:"app_name,omitzero"`
	Resource  string `json:"resource,omitzero"`
	Limit     *Limit `json:"limit,omitzero"`  // of LimitNear and LimitReached
	Denied    *Burst `json:"denied,omitzero"` // of DeniedBurst
	Dismissed bool   `json:"dismissed,omitzero"`
}

// Limit is the limit that was approached, as it stood then.
type Limit struct {
	Permission string    `json:"permission_id"`
	Per        string    `json:"per"`            // minute, day, month or lifetime
	Model      string    `json:"model,omitzero"` // glob of the models it counts; empty: all
	Unit       string    `json:"unit"`           // requests, tokens or dollars
	Used       int64     `json:"used"`           // dollars in nano-dollars
	Cap        int64     `json:"limit"`
	Percent    int       `json:"percent"`            // 80 or 100
	ResetsAt   time.Time `json:"resets_at,omitzero"` // absent: never
}

// Burst is a number of refusals in a short time.
type Burst struct {
	Count   int    `json:"count"`
	Seconds int64  `json:"seconds"` // in which they came
	Code    string `json:"code"`    // of the last
}

// Words say what happened, without the name of the app: "has used 80 % of its
// $1.50 a day".
func (a Alert) Words() string {
	switch {
	case a.Limit != nil:
		return a.Limit.words()
	case a.Denied != nil:
		return fmt.Sprintf("was refused %d times within %d seconds, last with %s", a.Denied.Count, a.Denied.Seconds, a.Denied.Code)
	}
	return "is here to try the webhook"
}

func (l Limit) words() string {
	per := map[string]string{"minute": "a minute", "day": "a day", "month": "a month", "lifetime": "in all"}[l.Per]
	model := ""
	if l.Model != "" {
		model = " for " + l.Model
	}
	if l.Percent >= 100 {
		return fmt.Sprintf("has used up its %s %s%s", l.amount(), per, model)
	}
	return fmt.Sprintf("has used %d %% of its %s %s%s", l.Percent, l.amount(), per, model)
}

// amount is the cap for people: 1,000 requests, $1.50.
func (l Limit) amount() string {
	if l.Unit != "dollars" {
		unit := l.Unit
		if l.Cap == 1 {
			unit = strings.TrimSuffix(unit, "s")
		}
		return grouped(l.Cap) + " " + unit
	}
	const nano = 1_000_000_000
	cents := strings.TrimRight(fmt.Sprintf("%09d", l.Cap%nano), "0")
	if cents == "" {
		return "$" + grouped(l.Cap/nano)
	}
	for len(cents) < 2 {
		cents += "0"
	}
	return "$" + grouped(l.Cap/nano) + "." + cents
}

// grouped writes 1000 as 1,000.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
