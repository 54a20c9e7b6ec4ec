package dpop

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// FuzzProof: no proof breaks the parser, and what it lets through is what other libraries read in it.
func FuzzProof(f *testing.F) {
	f.Fuzz(func(t *testing.T, value string) {
		parts, err := cut([]string{value})
		if err != nil {
			return
		}
		if header, err := decodeHeader(parts.header); err == nil {
			checkHeader(t, parts.header, header)
			if signature, err := decode(parts.signature); err == nil {
				header.verify([]byte(parts.signed), signature)
			}
		}
		if claims, err := parsePayload(parts.payload); err == nil {
			checkClaims(t, parts.payload, claims)
		}
	})
}

func checkHeader(t *testing.T, segment string, header *header) {
	data, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatalf("accepted what is not base64url: %v", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members["crit"] != nil {
		t.Fatalf("accepted what is not a plain JSON object: %q", data)
	}
	key, err := jwk.ParseKey(members["jwk"])
	if err != nil {
		t.Fatalf("accepted a key that jwx does not read: %v", err)
	}
	if private, err := jwk.IsPrivateKey(key); err != nil || private {
		t.Fatal("accepted a private key")
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil || base64.RawURLEncoding.EncodeToString(sum) != header.thumbprint {
		t.Fatalf("thumbprint %s is not what jwx makes of the key as sent", header.thumbprint)
	}
	if !strings.Contains(" "+Algorithms+" ", " "+header.alg+" ") {
		t.Fatalf("accepted alg %q", header.alg)
	}
}

func checkClaims(t *testing.T, segment string, claims *payload) {
	data, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatalf("accepted what is not base64url: %v", err)
	}
	var other struct{ JTI, HTM, HTU string }
	var exact map[string]json.RawMessage
	if err := json.Unmarshal(data, &exact); err != nil {
		t.Fatalf("accepted what is not a JSON object: %q", data)
	}
	for name, to := range map[string]*string{"jti": &other.JTI, "htm": &other.HTM, "htu": &other.HTU} {
		if err := json.Unmarshal(exact[name], to); err != nil {
			t.Fatalf("accepted a %s that is not a string: %q", name, data)
		}
	}
	if other.JTI != claims.JTI || other.HTM != claims.HTM || other.HTU != claims.HTU || claims.issuedAt.Unix() < 0 {
		t.Fatalf("read %+v in %q", claims, data)
	}
}

// FuzzTarget: the canonical spelling is its own canonical spelling.
func FuzzTarget(f *testing.F) {
	f.Fuzz(func(t *testing.T, url string) {
		once, err := appendCanonical(nil, url)
		if err != nil {
			return
		}
		twice, err := appendCanonical(nil, string(once))
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q becomes %q becomes %q (%v)", url, once, twice, err)
		}
	})
}

// FuzzJournal: no journal breaks the reader, and a journal of what it read is read the same.
func FuzzJournal(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := parseJournal(bytes.NewReader(data), 100)
		if err != nil {
			t.Fatal(err)
		}
		again := append([]byte(journalHeader), '\n')
		again = appendMark(again, found.mark)
		for _, proof := range found.ahead {
			again = appendProof(again, proof)
		}
		reread, err := parseJournal(bytes.NewReader(again), 100)
		if err != nil || reread.damaged || reread.mark != found.mark || len(reread.ahead) != len(found.ahead) {
			t.Fatalf("%q read as %+v, written again as %+v (%v)", data, found, reread, err)
		}
	})
}

// TestSeeds: a fuzz target without seeds finds nothing in a test run.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for target, least := range map[string]int{"FuzzProof": 12, "FuzzTarget": 8, "FuzzJournal": 6, "FuzzPlainClaims": 3} {
		seeds, err := filepath.Glob(filepath.Join("testdata", "fuzz", target, "*"))
		if err != nil || len(seeds) < least {
			t.Errorf("%s has %d seeds, want at least %d", target, len(seeds), least)
		}
		for _, seed := range seeds {
			data, err := os.ReadFile(seed)
			if err != nil || !bytes.HasPrefix(data, []byte("go test fuzz v1\n")) {
				t.Errorf("%s is not a seed", seed)
			}
		}
	}
}
