package plugintest

import (
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
)

// foreign are headers of a client that no provider may see: credentials, the
// connection's own, those that say where a request came from, and those by which
// some server takes it for another one.
func foreign() []string {
	return []string{
		"Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "DPoP", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "X-Auth-Token",
		"X-Amz-Security-Token", "X-Csrf-Token", "OpenAI-Organization", "OpenAI-Project", "Anthropic-Workspace-Id", "X-Goog-User-Project",
		"Host", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Real-Ip", "True-Client-Ip",
		"Cf-Connecting-Ip", "Via", "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Http2-Settings", "Expect", "Content-Length", "Content-Encoding", "Content-Range", "Content-Location", "Origin", "Referer", "User-Agent",
		"X-Stainless-Os", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url", "X-Original-Host",
		"Range", "If-Range", "If-None-Match", "Accept-Encoding", "Accept-Language", "Sec-Fetch-Site", "X-Request-Id", "Traceparent", "Zz-Unheard-Of",
	}
}

// headers from the client must not reach the upstream unless they describe the
// request, and a call must not carry a credential of any kind.
func (s Suite) headers(t *testing.T, sample Sample) {
	m := s.Provider.Manifest()
	r := clone(sample.Request)
	for _, name := range foreign() {
		if name != "Content-Encoding" && !listed(m.PassHeaders, name) {
			r.Header.Set(name, "canary")
		}
	}
	for name, values := range s.mustDescribe(t, r).Header {
		if strings.Contains(strings.Join(values, " "), "canary") {
			t.Errorf("%s of the client reaches the upstream", name)
		}
	}
	call := s.mustDescribe(t, sample.Request)
	if call.Header.Get(m.Credential.Header) != "" || call.Header.Get("Authorization") != "" {
		t.Error("the call carries a credential before the policy has spoken")
	}
	if call.Header.Get("Accept-Encoding") != "identity" {
		t.Error("the provider may send an answer in a coding that nobody reads")
	}
	if err := plugins.Authorize(call.Header, m, []byte("owners-key")); err != nil {
		t.Error(err)
	}
	r = clone(sample.Request)
	r.RawQuery = "zz_canary=1"
	if call, err := s.Provider.Describe(s.prepare(r)); err == nil && strings.Contains(call.RawQuery, "canary") {
		t.Error("a query parameter nobody knows reaches the upstream")
	}
	s.hops(t, sample)
	s.manifestHeaders(t, sample)
}

// hops checks that what a client nominates in Connection, gives twice, or makes
// very long stays behind.
func (s Suite) hops(t *testing.T, sample Sample) {
	for name := range s.mustDescribe(t, sample.Request).Header {
		if slices.Contains([]string{"Content-Type", "Accept-Encoding", "User-Agent"}, name) || s.fixed(name) != "" {
			continue
		}
		for what, values := range map[string][]string{
			"nominated": {"canary"}, "given twice": {"canary", "canary 2"}, "too long": {"canary" + strings.Repeat("x", 64<<10)},
		} {
			r := clone(sample.Request)
			r.Header[name] = values
			if what == "nominated" {
				r.Header["Connection"] = []string{"close, " + strings.ToLower(name)}
			}
			if call, err := s.Provider.Describe(s.prepare(r)); err == nil && strings.Contains(strings.Join(call.Header[name], " "), "canary") {
				t.Errorf("%s reaches the upstream although it is %s", name, what)
			}
		}
	}
}

// manifestHeaders checks that the manifest's own headers are sent and that those
// it passes are passed.
func (s Suite) manifestHeaders(t *testing.T, sample Sample) {
	m := s.Provider.Manifest()
	call := s.mustDescribe(t, sample.Request)
	for name := range m.Headers {
		if call.Header.Get(name) == "" {
			t.Errorf("the manifest's header %s is not sent", name)
		}
	}
	for _, name := range m.PassHeaders {
		r := clone(sample.Request)
		r.Header.Set(name, "passed-1")
		call, err := s.Provider.Describe(s.prepare(r))
		if err == nil && call.Header.Get(name) != "passed-1" && s.fixed(name) == "" {
			t.Errorf("the header %s, which the manifest passes, does not reach the upstream", name)
		}
	}
}

func (s Suite) fixed(name string) string {
	for own, value := range s.Provider.Manifest().Headers {
		if strings.EqualFold(own, name) {
			return value
		}
	}
	return ""
}

func listed(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return textproto.CanonicalMIMEHeaderKey(n) == textproto.CanonicalMIMEHeaderKey(name)
	})
}
