package dpop

import (
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
)

// samePlain fails unless the plain reader and the strict decoder agree on what the plain reader accepts.
func samePlain(t *testing.T, data []byte) (plain bool) {
	t.Helper()
	fast := payload{BH: noBodyHash}
	if !fast.readPlain(data) {
		return false
	}
	strict := payload{BH: noBodyHash}
	if err := json.Unmarshal(data, &strict); err != nil {
		t.Errorf("%s: read as %+v, but the decoder says %v", data, fast, err)
		return true
	}
	if !reflect.DeepEqual(fast, strict) {
		t.Errorf("%s: read as %+v, decoded as %+v", data, fast, strict)
	}
	return true
}

func TestPlainClaims(t *testing.T) {
	t.Parallel()
	for text, plain := range map[string]bool{
		`{"jti":"a","htm":"GET","htu":"https://a.example/b?c","iat":1800000000,"ath":"x","bh":"y","nonce":"z"}`: true,
		`{"iat":1}`:                    true,
		`{"bh":""}`:                    true,
		`{"htu":"https://a.example"}`:  true,
		`{}`:                           false,
		``:                             false,
		`{`:                            false,
		`{"iat":1,}`:                   false,
		`{,"iat":1}`:                   false,
		`{"iat":1}}`:                   false,
		`{"iat":01}`:                   false,
		`{"iat":1.5}`:                  false,
		`{"iat":-1}`:                   false,
		`{"iat":1e3}`:                  false,
		`{"iat":"1"}`:                  false,
		`{"iat":1 }`:                   false,
		`{"iat":1,"iat":1}`:            false,
		`{"jti":"a","jti":"a"}`:        false,
		`{"jti":"a" "htm":"b"}`:        false,
		`{"jti":"a\\n"}`:               false,
		`{"jti":"\u0061"}`:             false,
		`{"\u006ati":"a"}`:             false,
		"{\"jti\":\"a\tb\"}":           false,
		"{\"jti\":\"\u00e4\"}":         false,
		"{\"jti\":\"\xff\"}":           false,
		`{"jti":null}`:                 false,
		`{"jti":7}`:                    false,
		`{"jti":"a"`:                   false,
		`{"jti":"a}`:                   false,
		`{"jti"}`:                      false,
		`{"exp":1}`:                    false,
		`{"x":{"iat":1}}`:              false,
		`[{"iat":1}]`:                  false,
		`{"jti":"a","htm":"b"}{"a":1}`: false,
	} {
		if got := samePlain(t, []byte(text)); got != plain {
			t.Errorf("%s: read the plain way: %v, want %v", text, got, plain)
		}
	}
}

// FuzzPlainClaims looks for claims that the plain reader takes and the strict decoder does not, or takes otherwise.
func FuzzPlainClaims(f *testing.F) {
	f.Add([]byte(`{"jti":"a","htm":"GET","htu":"https://a.example/","iat":1800000000,"ath":"x","bh":"y","nonce":"z"}`))
	f.Add([]byte(`{"iat":1,"iat":1}`))
	f.Add([]byte(`{"jti":"\u0061"}`))
	f.Fuzz(func(t *testing.T, data []byte) { samePlain(t, data) })
}
