package server

import (
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
	"github.com/keywicket/keywicket/internal/policy"
)

// bytesOf is everything an answer says, but for its request id and date.
func bytesOf(r reply) string {
	h := r.Header.Clone()
	id := h.Get("X-Request-Id")
	h.Del("Date")
	return strings.ReplaceAll(fmt.Sprint(r.StatusCode, h, r.raw), id, "id")
}

// TestTokensThatAreNotGoodLookAlike shows that an answer does not tell whoever
// holds a token what is wrong with it: byte for byte, headers included.
func TestTokensThatAreNotGoodLookAlike(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := newOAuthServerWith(t, func(c *Config) { c.Clock = clock })
	own := s.key
	granted := policy.Document{Resource: "llm:openai"}
	expired := s.pair(granted)
	ahead.Store(int64(pairing.AccessTokenLife + time.Second))
	s.signAt = clock
	good, revoked, ended := s.pair(granted), s.pair(granted), s.pair(granted)
	if err := s.rooms.pairing.Revoke(revoked.id); err != nil {
		t.Fatal(err)
	}
	if err := s.rooms.pairing.EndSession(s.rooms.pairing.Sessions(ended.id)[0].ID); err != nil {
		t.Fatal(err)
	}
	foreign := newOAuthServer(t).pair(granted)
	thief, err := dpop.GenerateKey(dpop.ES256, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/r/llm/openai/v1/chat/completions", "/r/llm/openai/v1/models", "/oauth/keys"} {
		want := ""
		for name, row := range map[string]struct {
			token string
			key   *dpop.Key
		}{
			"unknown":                 {foreign.access, thief},
			"garbage":                 {"x.y.z", thief},
			"revoked":                 {revoked.access, thief},
			"revoked, by its own key": {revoked.access, own},
			"session ended":           {ended.access, thief},
			"expired":                 {expired.access, thief},
			"expired, by its own key": {expired.access, own},
			"wrong key":               {good.access, thief},
		} {
			p := &paired{oauthServer: s, access: row.token}
			proof := p.sign("POST", path, "{}", row.key)
			got := bytesOf(s.send("POST", path, "{}", "Content-Type", "application/json", "Authorization", "DPoP "+row.token, "DPoP", proof))
			if want == "" {
				want = got
			}
			if got != want || !strings.Contains(got, `error="invalid_token"`) {
				t.Errorf("%s %s:\n%s\nand another:\n%s", path, name, got, want)
			}
		}
	}
	s.refreshTokensLookAlike(good, ended, thief)
}

// refreshTokensLookAlike is the same for the token endpoint.
func (s *oauthServer) refreshTokensLookAlike(good, ended *paired, thief *dpop.Key) {
	s.t.Helper()
	own, want := s.key, ""
	for name, row := range map[string]struct {
		client, token string
		key           *dpop.Key
	}{
		"unknown":        {good.id, strings.Repeat("x", 43), own},
		"wrong key":      {good.id, good.refresh, thief},
		"another client": {ended.id, good.refresh, own},
		"session ended":  {ended.id, ended.refresh, own},
	} {
		s.key = row.key
		got := bytesOf(s.form("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {row.client}, "refresh_token": {row.token}},
			"DPoP", s.proof(dpop.Claims{URL: "/oauth/token"})))
		if want == "" {
			want = got
		}
		if got != want || !strings.Contains(got, "invalid_grant") {
			s.t.Errorf("refresh token, %s:\n%s\nand another:\n%s", name, got, want)
		}
	}
	s.key = own
}
