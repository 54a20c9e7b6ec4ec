package server

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keywicket/keywicket/internal/doctor"
	"github.com/keywicket/keywicket/internal/store"
)

// maxDamaged bounds how many damaged records the doctor names.
const maxDamaged = 20

// checkDatabase says for the doctor what the store finds in its file.
func (r *rooms) checkDatabase(ctx context.Context) ([]doctor.Finding, error) {
	const check = "database"
	damage, err := r.store.Check(ctx)
	if err != nil {
		return nil, fmt.Errorf("checking the database: %w", err)
	}
	damage = slices.DeleteFunc(damage, func(d store.Finding) bool {
		// That it was put back is no damage, and has a remedy of its own.
		return r.store.Restored() && d.Collection == "" && strings.HasSuffix(d.Problem, "is not confirmed")
	})
	if len(damage) == 0 {
		return []doctor.Finding{doctor.Good(check, "its structure is sound and every record opens")}, nil
	}
	var found []doctor.Finding
	for _, d := range damage[:min(len(damage), maxDamaged)] {
		message := d.Problem
		if d.Collection != "" {
			message = fmt.Sprintf("%s, record %s: %s", d.Collection, d.Record, d.Problem)
		}
		found = append(found, doctor.Finding{
			Check: check, Severity: doctor.Problem, Message: message,
			Remedy: "stop the gateway and restore a backup into a new directory: gateway restore FILE --data DIR",
		})
	}
	return found, nil
}
