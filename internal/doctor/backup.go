package doctor

import (
	"fmt"
	"time"
)

// staleBackup is the age from which a backup is old: two days leave room for
// one that was missed.
const staleBackup = 48 * time.Hour

// Backup judges the age of the newest backup; the zero time is none.
func Backup(now, newest time.Time) []Finding {
	const check, remedy = "backup", "make one now with: gateway backup FILE; and one a day with: gateway serve --backup-dir DIR"
	if newest.IsZero() {
		return []Finding{{check, Warning, "no backup was ever made", remedy}}
	}
	age := now.Sub(newest)
	if age > staleBackup {
		return []Finding{{check, Warning, fmt.Sprintf("the newest backup is %d days old", int(age/(24*time.Hour))), remedy}}
	}
	return []Finding{Good(check, "the newest backup is from "+newest.UTC().Format(time.RFC3339))}
}
