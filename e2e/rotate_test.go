package e2e_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/keywicket/keywicket/client"
)

// TestKeyRotation changes an app's key while it works. No request fails, and
// the old key is good for nothing afterwards.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	g := start(t)
	keys := client.MemoryKeyStore()
	c, err := client.Pair(t.Context(), g.pairingString(t, `{"resource":"llm:openai"}`), client.App{Name: "Notes", Keys: keys, Alg: "Ed25519"})
	if err != nil {
		t.Fatal(err)
	}
	before, err := keys.Load()
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := c.Fingerprint()
	ai := sdk(c)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				if _, err := ai.Chat.Completions.New(t.Context(), question("gpt-4o")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := c.RotateKey(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := c.RotateKey(t.Context()); err != nil {
		t.Errorf("once more: %v", err)
	}
	if c.Fingerprint() == fingerprint {
		t.Error("the key is the old one")
	}
	again, err := client.Open(t.Context(), keys, client.App{})
	if err != nil {
		t.Fatal(err)
	}
	ai = sdk(again)
	if _, err := ai.Chat.Completions.New(t.Context(), question("gpt-4o")); err != nil {
		t.Errorf("after opening again: %v", err)
	}

	stolen := client.MemoryKeyStore()
	if err := stolen.Save(before); err != nil {
		t.Fatal(err)
	}
	thief, err := client.Open(t.Context(), stolen, client.App{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = thief.HTTPClient().Post(thief.BaseURL("llm:openai")+"/chat/completions", "application/json", strings.NewReader("{}"))
	if !errors.Is(err, client.ErrSessionEnded) {
		t.Errorf("with the old key: %v, want ErrSessionEnded", err)
	}
}
