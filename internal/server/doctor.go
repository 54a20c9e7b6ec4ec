package server

import (
	"context"
	"fmt"

	"github.com/keywicket/keywicket/internal/doctor"
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
