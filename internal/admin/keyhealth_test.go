package admin

import (
	"testing"

	"github.com/keywicket/keywicket/internal/doctor"
	"github.com/keywicket/keywicket/internal/vault"
)

func TestRestingKeysAreFound(t *testing.T) {
	t.Parallel()
	health := map[string]vault.Health{"key_1": {State: "resting", Why: "refused"}, "key_2": {State: "ok"}, "key_3": {State: "trying", Why: "refused"}}
	a := &Admin{cfg: Config{KeyHealth: func() map[string]vault.Health { return health }}}
	found := a.restingKeys("keys", []vault.Credential{
		{ID: "key_1", Label: "work"}, {ID: "key_2", Label: "fine"}, {ID: "key_4", Label: "unused"},
		{ID: "key_3", Label: "out", Arrangement: vault.Arrangement{Draining: true}},
	})
	if len(found) != 1 || found[0].Severity != doctor.Warning || found[0].Message != "key key_1 (work of ) is not used at present: refused" {
		t.Errorf("%+v", found)
	}
}
