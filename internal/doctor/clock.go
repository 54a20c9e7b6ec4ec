package doctor

import (
	"fmt"
	"time"
)

// clockSlack is how far proofs of apps may be dated ahead (docs/protocol.md).
const clockSlack = 15 * time.Second

// Clock compares the time now with the newest moment the gateway has written
// down; the zero time is none.
func Clock(now, last time.Time) []Finding {
	const check = "clock"
	switch {
	case now.Year() < 2025:
		return []Finding{{check, Problem, "the clock says " + now.Format(time.RFC3339) + ", before this program was written", "set the clock, for instance with: timedatectl set-ntp true"}}
	case last.After(now.Add(clockSlack)):
		return []Finding{{check, Problem, fmt.Sprintf("the clock is %s behind the last line of the audit log: expiry, limits and proofs go wrong", last.Sub(now).Round(time.Second)), "set the clock, for instance with: timedatectl set-ntp true"}}
	case last.IsZero():
		return []Finding{Good(check, "the clock says "+now.UTC().Format(time.RFC3339))}
	}
	return []Finding{Good(check, "the clock is past the last line of the audit log")}
}
