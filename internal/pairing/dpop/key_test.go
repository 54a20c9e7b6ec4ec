package dpop

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var algorithms = []string{ES256, EdDSA, Ed25519, PS256}

func newTestKey(t testing.TB, alg string) *Key {
	t.Helper()
	key, err := GenerateKey(alg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeySurvivesJWK(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			key := newTestKey(t, alg)
			data, err := key.MarshalJWK()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseKey(data)
			if err != nil {
				t.Fatal(err)
			}
			if again.Thumbprint() != key.Thumbprint() || again.Algorithm() != alg {
				t.Errorf("read back %s %s, want %s %s", again.Algorithm(), again, alg, key)
			}
			if _, err := again.Sign(Claims{Method: "GET", URL: "https://a.example/"}, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKeyShowsNothingPrivate(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, ES256)
	data, err := key.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	var members struct{ D string }
	if err := json.Unmarshal(data, &members); err != nil || members.D == "" {
		t.Fatal("no private member to look for")
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key, "inside", struct{ Key *Key }{key})
	text, err := json.Marshal(map[string]any{"key": key})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s ", key, key, key, key) + log.String() + string(text) + string(key.PublicJWK())
	if strings.Contains(shown, members.D) || !strings.Contains(shown, key.Thumbprint()) {
		t.Error("a printed key shows its private part or not its thumbprint")
	}
}
