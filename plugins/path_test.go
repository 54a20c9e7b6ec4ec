package plugins

import "testing"

func TestPlainPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/models", "/v1/chat/completions", "/models/gemini-2.5-pro:generateContent", "/a_b~c/", "/emails/x.y"} {
		if !PlainPath(path) {
			t.Errorf("%q is refused", path)
		}
	}
	for _, path := range []string{
		"", "models", "//models", "/a//b", "/a/../b", "/..", "/a..b", "/./a", "/a/.", "/%61", "/a%2fb", "/a;b", "/a\\b", "/a b", "/a\x00", "/a\n",
		"/a?b", "/a#b", "/é", "/a\u2215b", "\\a", "http://example.com/",
	} {
		if PlainPath(path) {
			t.Errorf("%q is taken for plain", path)
		}
	}
}
