package vault

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	h, first := furnished(t)
	h.clock.advance(-time.Hour) // order is that of adding, whatever the clock says
	second := h.add("llm:openai", "home", "", "sk-second")
	other := h.add("llm:groq", "", "http://127.0.0.1:8080/v1/", "gsk-other")
	if other.Label != "default" || other.BaseURL != "http://127.0.0.1:8080/v1" || !strings.HasPrefix(other.ID, "key_") {
		t.Errorf("added %+v", other)
	}
	_, err := h.AddCredential(NewCredential{Resource: "llm:openai", Label: "home", Secret: NewSecret([]byte("x"))})
	is(t, err, ErrCredentialExists)
	h.add("llm:groq", "home", "", "gsk-home") // the same label for another resource

	h.restart()
	list, err := h.Credentials()
	must(t, err)
	if len(list) != 4 || !slices.EqualFunc(list[:3], []Credential{first, second, other}, same) {
		t.Fatalf("listed %+v", list)
	}
	must(t, h.Unlock([]byte(testPassphrase)))
	released(t, h.Vault, "llm:openai", canary)
	_, secret, err := h.ReleaseByID(second.ID)
	if err != nil || string(secret.Bytes()) != "sk-second" {
		t.Fatalf("released by id: %v", err)
	}

	is(t, h.RemoveCredential("home"), ErrAmbiguous)
	is(t, h.RemoveCredential("none"), ErrNoCredential)
	is(t, h.RemoveCredential(""), ErrNoCredential)
	must(t, h.RemoveCredential("work"))
	released(t, h.Vault, "llm:openai", "sk-second")
	h.Lock()
	must(t, h.RemoveCredential(second.ID))
	h.restart()
	must(t, h.Unlock([]byte(testPassphrase)))
	_, _, err = h.Release("llm:openai")
	is(t, err, ErrNoCredential)
	_, _, err = h.ReleaseByID(first.ID)
	is(t, err, ErrNoCredential)
}

func same(a, b Credential) bool { return reflect.DeepEqual(a, b) }

func released(t *testing.T, v *Vault, resource, want string) {
	t.Helper()
	_, secret, err := v.Release(resource)
	must(t, err)
	if string(secret.Bytes()) != want {
		t.Fatalf("%s: another secret was released", resource)
	}
	secret.Zero()
}

func TestCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	rows := []struct{ field, resource, label, secret string }{
		{"resource", "", "a", "sk"},
		{"resource", "openai", "a", "sk"},
		{"resource", "llm:", "a", "sk"},
		{"resource", "llm:open/ai", "a", "sk"},
		{"resource", "LLM:openai", "a", "sk"},
		{"resource", "llm:openai\n", "a", "sk"},
		{"resource", "llm:" + strings.Repeat("a", 61), "a", "sk"},
		{"label", "llm:x", "key_a", "sk"},
		{"label", "llm:x", " a", "sk"},
		{"label", "llm:x", "a ", "sk"},
		{"label", "llm:x", "a\x1b[2J", "sk"},
		{"label", "llm:x", "a\u202eb", "sk"},
		{"label", "llm:x", "a\xff", "sk"},
		{"label", "llm:x", strings.Repeat("a", 65), "sk"},
		{"secret", "llm:x", "a", ""},
		{"secret", "llm:x", "a", "sk\n"},
		{"secret", "llm:x", "a", "sk\r\nX-Evil: 1"},
		{"secret", "llm:x", "a", " sk"},
		{"secret", "llm:x", "a", "sk "},
		{"secret", "llm:x", "a", "sk 1"},
		{"secret", "llm:x", "a", "sk\t1"},
		{"secret", "llm:x", "a", "sk\x7f"},
		{"secret", "llm:x", "a", "sk-é"},
		{"secret", "llm:x", "a", strings.Repeat("a", maxSecret+1)},
	}
	for _, row := range rows {
		_, err := h.AddCredential(NewCredential{Resource: row.resource, Label: row.label, Secret: NewSecret([]byte(row.secret))})
		var refused *CredentialError
		if !errors.As(err, &refused) || refused.Field != row.field || !errors.Is(err, ErrInvalidCredential) {
			t.Errorf("%q %q: %v, want a refusal of the %s", row.resource, row.label, err, row.field)
		}
	}
	if _, err := h.AddCredential(NewCredential{Resource: "llm:x"}); !errors.Is(err, ErrInvalidCredential) {
		t.Errorf("no secret at all: %v", err)
	}
}

func TestAddingLeavesTheCallersSecret(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	mine := NewSecret([]byte("gsk-mine"))
	_, err := h.AddCredential(NewCredential{Resource: "llm:groq", Secret: mine})
	must(t, err)
	if string(mine.Bytes()) != "gsk-mine" {
		t.Error("the caller's secret was overwritten")
	}
	mine.Zero()
	released(t, h.Vault, "llm:groq", "gsk-mine")
}

// Whoever has the host key can write any record. A key must not be got to go
// anywhere else than its owner said.
func TestAlteredCredentials(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		alter func(r *credentialRecord, other credentialRecord)
	}{
		{"base URL", func(r *credentialRecord, _ credentialRecord) { r.BaseURL = "https://evil.example" }},
		{"base URL removed", func(r *credentialRecord, _ credentialRecord) { r.BaseURL = "" }},
		{"resource", func(r *credentialRecord, _ credentialRecord) { r.Resource = "llm:evil" }},
		{"label", func(r *credentialRecord, _ credentialRecord) { r.Label = "x" }},
		{"part moved between fields", func(r *credentialRecord, _ credentialRecord) {
			r.Label, r.BaseURL = r.Label+r.BaseURL[:1], r.BaseURL[1:]
		}},
		{"date", func(r *credentialRecord, _ credentialRecord) { r.CreatedAt = r.CreatedAt.Add(1) }},
		{"order", func(r *credentialRecord, _ credentialRecord) { r.Order = 9 }},
		{"version", func(r *credentialRecord, _ credentialRecord) { r.Version++ }},
		{"root version", func(r *credentialRecord, _ credentialRecord) { r.RootVersion++ }},
		{"sealed key of another", func(r *credentialRecord, o credentialRecord) { r.Sealed = o.Sealed }},
		{"sealed key cut", func(r *credentialRecord, _ credentialRecord) { r.Sealed = r.Sealed[:len(r.Sealed)-1] }},
		{"sealed key gone", func(r *credentialRecord, _ credentialRecord) { r.Sealed = nil }},
		{"one bit", func(r *credentialRecord, _ credentialRecord) { r.Sealed[len(r.Sealed)/2] ^= 1 }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h, c := furnished(t)
			other := h.add("llm:openai", "other", "https://api.example.com/v1", "sk-other")
			must(t, h.store.Update(func(tx *store.Tx) error {
				all, err := credentialRecords.All(tx)
				if err != nil {
					return err
				}
				r := all[c.ID]
				row.alter(&r, all[other.ID])
				return credentialRecords.Put(tx, c.ID, r)
			}))
			h.restart()
			must(t, h.Unlock([]byte(testPassphrase)))
			_, secret, err := h.ReleaseByID(c.ID)
			is(t, err, ErrDamaged)
			if len(secret.Bytes()) != 0 {
				t.Error("a secret came with the error")
			}
			if strings.Contains(err.Error(), canary) {
				t.Error("the error tells the secret")
			}
		})
	}
}

func TestRecordUnderAnotherIDIsDamage(t *testing.T) {
	t.Parallel()
	h, c := furnished(t)
	must(t, h.store.Update(func(tx *store.Tx) error {
		r, err := credentialRecords.Get(tx, c.ID)
		if err != nil {
			return err
		}
		return credentialRecords.Put(tx, "key_another", r)
	}))
	_, err := New(Config{Store: h.store, Argon2: cheap})
	is(t, err, ErrDamaged)
}

// Whoever uses a key hears that it is gone when it is, and of no other.
func TestRemovalIsTold(t *testing.T) {
	t.Parallel()
	h, c := furnished(t)
	var told []string
	h.OnRemove(func(id string) {
		if _, _, err := h.ReleaseByID(id); !errors.Is(err, ErrNoCredential) {
			t.Errorf("while it is told: %v", err)
		}
		told = append(told, id)
	})
	is(t, h.RemoveCredential("none"), ErrNoCredential)
	must(t, h.RemoveCredential(c.ID))
	if len(told) != 1 || told[0] != c.ID {
		t.Errorf("told of %v", told)
	}
}
