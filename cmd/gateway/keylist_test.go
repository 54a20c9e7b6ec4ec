package main

import (
	"testing"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/vault"
)

func TestStateOfAKey(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		health   vault.Health
		draining bool
		want     string
	}{
		{vault.Health{State: "ok"}, false, "ok"},
		{vault.Health{State: "ok", SlowModels: 1, Apps: 2}, false, "rests for 1 model, 2 apps"},
		{vault.Health{State: "ok", Apps: 1}, false, "rests for 1 app"},
		{vault.Health{State: "resting", Apps: 2}, false, "resting"},
		{vault.Health{State: "trying"}, false, "trying"},
		{vault.Health{State: "resting", InUse: 1}, true, "draining"},
		{vault.Health{State: "ok"}, true, "drained"},
	} {
		key := admin.Key{Health: row.health, Arrangement: vault.Arrangement{Draining: row.draining}}
		if got := keyState(key); got != row.want {
			t.Errorf("%+v: %q, want %q", row, got, row.want)
		}
	}
}
