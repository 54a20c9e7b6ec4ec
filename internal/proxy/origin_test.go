package proxy

import (
	"net/http/httptest"
	"testing"

	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

// TestOrigins says which pages may use a permission, and which may read the
// answer: the caller has put on it what some app's page may read.
func TestOrigins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	bound, free := anything(), anything()
	bound.Origins = []string{"https://a.example"}
	for name, row := range map[string]struct {
		document policy.Document
		origins  []string
		status   int
		shared   bool
	}{
		"its page":           {bound, []string{"https://a.example"}, 200, true},
		"another page":       {bound, []string{"https://b.example"}, 403, false},
		"two origins":        {bound, []string{"https://a.example", "https://a.example"}, 403, false},
		"no page":            {bound, nil, 200, false},
		"none named, a page": {free, []string{"https://a.example"}, 200, false},
	} {
		r := b.pair(row.document).request("POST", chatPath, question)
		r.Header["Origin"] = row.origins
		w := httptest.NewRecorder()
		w.Header().Set("Access-Control-Allow-Origin", "https://a.example")
		b.proxy.ServeHTTP(w, r)
		if got := (result{body: w.Body.Bytes()}); w.Code != row.status || (row.status == 403 && got.code() != policy.CodeAddressNotAllowed) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if shared := w.Header().Get("Access-Control-Allow-Origin") != ""; shared != row.shared {
			t.Errorf("%s: readable is %v", name, shared)
		}
	}
}

func TestRequiredBodyHash(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := anything()
	d.RequireBodyHash = true
	a := b.pair(d)
	if got := a.post(question); got.status != 200 {
		t.Errorf("bound: %d %s", got.status, got.body)
	}
	r := a.request("POST", chatPath, question)
	proof, err := a.key.Sign(dpop.Claims{Method: "POST", URL: a.url + chatPath, AccessToken: a.token}, a.clock.now())
	b.must(err)
	r.Header.Set("DPoP", proof)
	if got := b.do(r); got.status != 401 || got.code() != "invalid_dpop_proof" || got.header.Get("WWW-Authenticate") == "" {
		t.Errorf("not bound: %d %s", got.status, got.body)
	}
	if got := b.do(a.request("GET", "/r/llm/openai/v1/models", "")); got.status != 200 {
		t.Errorf("nothing to bind: %d %s", got.status, got.body)
	}
}
