package vault

import (
	"testing"

	"github.com/keywicket/keywicket/internal/store"
)

func TestArrange(t *testing.T) {
	t.Parallel()
	h, first := furnished(t)
	second := h.add("llm:openai", "home", "", "sk-second")
	h.add("llm:groq", "", "", "gsk-other")
	h.Lock() // what may change while locked
	arranged, err := h.Arrange("work", Arrangement{Rank: 2, Weight: 3, Draining: true})
	must(t, err)
	if arranged.ID != first.ID || arranged.Rank != 2 || arranged.Share() != 3 || !arranged.Draining {
		t.Errorf("arranged %+v", arranged)
	}
	h.restart()
	list := h.CredentialsFor("llm:openai")
	if len(list) != 2 || !same(list[0], second) || !same(list[1], arranged) {
		t.Fatalf("in order of trying: %+v", list)
	}
	must(t, h.Unlock([]byte(testPassphrase)))
	_, secret, err := h.ReleaseByID(first.ID)
	if err != nil || string(secret.Bytes()) != canary {
		t.Fatalf("the arranged key does not open: %v", err)
	}
	for _, wrong := range []Arrangement{{Rank: -1}, {Rank: 100}, {Weight: -1}, {Weight: 101}} {
		_, err := h.Arrange("home", wrong)
		is(t, err, ErrInvalidCredential)
	}
	_, err = h.Arrange("none", Arrangement{})
	is(t, err, ErrNoCredential)
	if second.Share() != 1 {
		t.Errorf("a weight that was not given counts as %d", second.Share())
	}
}

func TestWhereAKeyGoesIsBoundToIt(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	added, err := h.AddCredential(NewCredential{
		Resource: "llm:openai", Label: "billed", Secret: NewSecret([]byte("sk-billed")),
		Headers: map[string]string{"openai-organization": "org-1"}, AllowPrivate: true, Home: "https://api.example.com",
	})
	must(t, err)
	if added.Headers["Openai-Organization"] != "org-1" || !added.AllowPrivate {
		t.Fatalf("added %+v", added)
	}
	for name, change := range map[string]func(*credentialRecord){
		"value":         func(r *credentialRecord) { r.Headers = map[string]string{"Openai-Organization": "org-2"} },
		"none":          func(r *credentialRecord) { r.Headers = nil },
		"allow private": func(r *credentialRecord) { r.AllowPrivate = false },
		"home":          func(r *credentialRecord) { r.Home = "https://elsewhere.example" },
		"no home":       func(r *credentialRecord) { r.Home = "" },
	} {
		var whole credentialRecord
		must(t, h.store.Update(func(tx *store.Tx) (err error) {
			if whole, err = credentialRecords.Get(tx, added.ID); err != nil {
				return err
			}
			changed := whole
			change(&changed)
			return credentialRecords.Put(tx, added.ID, changed)
		}))
		h.restart()
		must(t, h.Unlock([]byte(testPassphrase)))
		if _, _, err := h.ReleaseByID(added.ID); err == nil {
			t.Errorf("%s changed on disk: the key still opens", name)
		}
		must(t, h.store.Update(func(tx *store.Tx) error { return credentialRecords.Put(tx, added.ID, whole) }))
	}
	h.restart()
	must(t, h.Unlock([]byte(testPassphrase)))
	if _, _, err := h.ReleaseByID(added.ID); err != nil {
		t.Errorf("the record as it was: %v", err)
	}
}

func TestHeadersThatCannotBeSent(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	many := map[string]string{}
	for _, c := range "abcdefghi" {
		many["X-"+string(c)] = "v"
	}
	for name, headers := range map[string]map[string]string{
		"line break": {"X-A": "a\r\nb"}, "space in name": {"X A": "v"}, "empty": {"X-A": ""},
		"a credential": {"authorization": "Bearer-other"}, "of the request": {"Content-Type": "a/b"}, "of the connection": {"HOST": "evil.example"},
		"twice": {"X-A": "1", "x-a": "2"}, "too many": many,
	} {
		_, err := h.AddCredential(NewCredential{Resource: "llm:x", Label: name, Secret: NewSecret([]byte("k")), Headers: headers})
		is(t, err, ErrInvalidCredential)
	}
}
