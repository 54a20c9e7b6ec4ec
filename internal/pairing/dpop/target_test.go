package dpop

import "testing"

func TestTargets(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		htu, url string
		same     bool
	}{
		{"https://a.example/p", "https://a.example/p", true},
		{"https://a.example", "https://a.example/", true},
		{"https://a.example?x", "https://a.example/", true},
		{"https://a.example#/p", "https://a.example/", true},
		{"https://a.example:/p", "https://a.example/p", true},
		{"https://a.example:443/p", "https://a.example/p", true},
		{"http://a.example:80/p", "http://a.example/p", true},
		{"hTTp://LOCALHOST:8787/p", "http://localhost:8787/p", true},
		{"http://[::1]:8787/p", "http://[::1]:8787/p", true},
		{"http://[0:0::1]:8787/p", "http://[::1]:8787/p", true},
		{"https://a.example/%7euser", "https://a.example/~user", true},
		{"https://a.example/a%2fb", "https://a.example/a%2Fb", true},
		{"https://a.example/a|b^c", "https://a.example/a%7Cb%5ec", true},
		{"https://a.example/r/llm:x@y;z=1", "https://a.example/r/llm:x@y;z=1", true},
		{"https://a.example//p", "https://a.example//p", true},
		{"https://a.example/...", "https://a.example/...", true},
		{"https://a.example/.well-known", "https://a.example/.well-known", true},

		{"https://a.example:80/p", "https://a.example/p", false},
		{"http://a.example:443/p", "http://a.example/p", false},
		{"https://a.example/P", "https://a.example/p", false},
		{"https://a.example/p/", "https://a.example/p", false},
		{"https://a.example//p", "https://a.example/p", false},
		{"https://a.example/a%2Fb", "https://a.example/a/b", false},
		{"https://a.example/a%3Ab", "https://a.example/a:b", false},
		{"https://a.example./p", "https://a.example/p", false},
		{"https://a.example%2F/p", "https://a.example/p", false},
		{"https://a.example\\@b.example/p", "https://a.example/p", false},
		{"https://b.example@a.example/p", "https://a.example/p", false},
		{"https://a.example:0443/p", "https://a.example/p", false},
		{"https://a.example:+443/p", "https://a.example/p", false},
		{"https://a.example:65536/p", "https://a.example/p", false},
		{"https://a.example:x/p", "https://a.example/p", false},
		{"ftp://a.example/p", "https://a.example/p", false},
		{"//a.example/p", "https://a.example/p", false},
		{"https:/a.example/p", "https://a.example/p", false},
		{"https:///p", "https://a.example/p", false},
		{"", "https://a.example/p", false},
		{"http://[::1/p", "http://[::1]/p", false},
		{"http://[::1]x/p", "http://[::1]/p", false},
		{"http://[::1%25eth0]/p", "http://[::1]/p", false},
		{"http://[127.0.0.1]/p", "http://127.0.0.1/p", false},
		{"http://::1/p", "http://[::1]/p", false},
		{"https://ä.example/p", "https://ä.example/p", false},

		// The same on both sides, and refused all the same: nobody can say what a server makes of them.
		{"https://a.example/a/../p", "https://a.example/a/../p", false},
		{"https://a.example/a/%2E%2e/p", "https://a.example/a/%2E%2e/p", false},
		{"https://a.example/./p", "https://a.example/./p", false},
		{"https://a.example/p/..", "https://a.example/p/..", false},
		{"https://a.example/.", "https://a.example/.", false},
		{"https://a.example/a b", "https://a.example/a b", false},
		{"https://a.example/a\x00b", "https://a.example/a\x00b", false},
		{"https://a.example/ä", "https://a.example/ä", false},
		{"https://a.example/a\\b", "https://a.example/a\\b", false},
		{"https://a.example/%", "https://a.example/%", false},
		{"https://a.example/%4", "https://a.example/%4", false},
		{"https://a.example/%+4", "https://a.example/%+4", false},
		{"https://a.example/%zz", "https://a.example/%zz", false},
	} {
		if err := sameTarget(row.htu, row.url); (err == nil) != row.same {
			t.Errorf("%q for %q: %v, want same %v", row.htu, row.url, err, row.same)
		}
	}
}
