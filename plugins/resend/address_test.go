package resend

import (
	"net/mail"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, sent, local, domain string }{
		{"ada@example.com", "", "ada", "example.com"},
		{"Ada <ada@example.com>", "", "ada", "example.com"},
		{"Ada Lovelace <ada@Example.COM>", "", "ada", "example.com"},
		{" ada@example.com ", "", "ada", "example.com"},
		{`"Lovelace, Ada" <ada@example.com>`, "", "ada", "example.com"},
		{`"ada l"@example.com`, "", "ada l", "example.com"},
		{"Zoë <zoë@example.com>", "", "zoë", "example.com"},
		{"=?utf-8?q?Zo=C3=AB?= <zoe@example.com>", "", "zoe", "example.com"},
		{"Ada (work) <ada@example.com>", "", "ada", "example.com"},
		{"a@münchen.example", "a@xn--mnchen-3ya.example", "a", "xn--mnchen-3ya.example"},
		{"Bü <a@MÜNCHEN.example>", "Bü <a@xn--mnchen-3ya.example>", "a", "xn--mnchen-3ya.example"},
		{"a@xn--mnchen-3ya.example", "", "a", "xn--mnchen-3ya.example"},
		{"a@\u212aelvin.example", "a@kelvin.example", "a", "kelvin.example"},
		{"a@ｅｘａｍｐｌｅ.com", "a@example.com", "a", "example.com"},
		{"a@sub.example.com", "", "a", "sub.example.com"},
		{"a+tag@example.com", "", "a+tag", "example.com"},
	} {
		got, ok := parseAddress(row.text)
		want := address{text: row.sent, local: row.local, domain: row.domain}
		if want.text == "" {
			want.text = row.text
		}
		if !ok || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", row.text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", " ", "ada", "ada@", "@example.com", "<>", "ada@localhost", "ada@[127.0.0.1]", "ada@127.0.0.1:25", "ada@example..com", "ada@example.com.",
		"ada@evil.com <ada@example.com>", `"ada@evil.com" <ada@example.com>`, "ada@example.com (ada@evil.com)", "ada@example.com (work)",
		`"x@evil.com"@example.com`, "ada@example.com, eve@evil.com", "ada@example.com; eve@evil.com", "Friends: ada@example.com;", "Friends: ada@example.com, eve@evil.com;",
		"<@evil.com:ada@example.com>", "<ada@example.com> <eve@evil.com>", `"<eve" <ada@example.com>`, "Ada < <ada@example.com>", "<ada@example.com>>",
		"ada@example.com\r\nBcc: eve@evil.com", "ada@example.com\nx", "ada\x00@example.com", "Ada\r\n <ada@example.com>", "a\u0085b <ada@example.com>",
		"=?utf-8?q?eve=40evil.com?= <ada@example.com>", "=?utf-8?q?=3Ceve?= <ada@example.com>", "ada@exam ple.com", "ada@example.com evil.com",
		"ada@example.com(.evil.com)", "ada@ex_ample.com", "ada@-example.com", "ada@xn--a.com", strings.Repeat("a", 2000) + "@example.com",
		"ada@" + strings.Repeat("a.", 200) + "com", "ada＠example.com", "ada@example。com@evil.com", "mailto:ada@example.com?bcc=x",
	} {
		if got, ok := parseAddress(text); ok {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

// FuzzAddress holds what was read against readings that know less: the part
// behind the last @ up to a bracket, and net/mail of what is sent.
func FuzzAddress(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := parseAddress(text)
		if !ok {
			return
		}
		last := a.text[strings.LastIndex(a.text, "@")+1:]
		naive, _, _ := strings.Cut(strings.TrimSpace(last), ">")
		if !strings.EqualFold(strings.TrimSpace(naive), a.domain) {
			t.Fatalf("%q: read as %s, naively as %s", text, a.domain, naive)
		}
		if open := strings.IndexByte(a.text, '<'); open >= 0 && !strings.EqualFold(strings.TrimSpace(a.text[open+1:strings.IndexByte(a.text, '>')]), mailbox(a)) && !strings.Contains(a.text, `"`) && !strings.Contains(a.text, "(") {
			t.Fatalf("%q: read as %s, between brackets %s", text, mailbox(a), a.text[open+1:])
		}
		again, err := mail.ParseAddress(a.text)
		if err != nil || !strings.EqualFold(again.Address, mailbox(a)) {
			t.Fatalf("%q: sent as %q, which reads as %v, %v", text, a.text, again, err)
		}
		if strings.ContainsFunc(a.domain, func(r rune) bool { return r > '~' || r <= ' ' }) {
			t.Fatalf("%q: domain %q", text, a.domain)
		}
		if twice, ok := parseAddress(a.text); !ok || twice != a {
			t.Fatalf("%q: %+v, again %+v", text, a, twice)
		}
	})
}

func mailbox(a address) string { return a.local + "@" + a.domain }
