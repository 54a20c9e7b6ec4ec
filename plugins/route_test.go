package plugins

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func manifestOf(actions ...Action) Manifest {
	return Manifest{ID: "http:x", Dialect: "http", BaseURL: "https://x.example/v9", Actions: actions}
}

func TestRoutesMatch(t *testing.T) {
	t.Parallel()
	r, err := NewRoutes(manifestOf(
		Action{Name: "get", Method: "GET", Path: "/users/{id}"},
		Action{Name: "me", Method: "GET", Path: "/users/me"},
		Action{Name: "verb", Method: "POST", Path: "/models/{model}:generate"},
		Action{Name: "other", Method: "POST", Path: "/models/{model}:generateMore"},
		Action{Name: "deep", Method: "GET", Path: "/users/{id}/posts/{post}"},
		Action{Name: "first", Method: "GET", Path: "/{x}/z"},
		Action{Name: "own", Method: "DELETE", Path: "/users/me"},
		Action{Name: "versioned", Method: "GET", Path: "/v1/own"},
	), "http", nil, "/v1", "/v2")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ method, path, action, upstream, values string }{
		{"GET", "/users/me", "me", "/users/me", ""},
		{"DELETE", "/users/me", "own", "/users/me", ""},
		{"GET", "/users/12", "get", "/users/12", "id=12"},
		{"GET", "/users/a.b-c_d~e", "get", "/users/a.b-c_d~e", "id=a.b-c_d~e"},
		{"GET", "/v1/users/12", "get", "/users/12", "id=12"},
		{"GET", "/v2/users/12", "get", "/users/12", "id=12"},
		{"GET", "/v1/own", "versioned", "/v1/own", ""},
		{"GET", "/v1/v1/own", "versioned", "/v1/own", ""},
		{"GET", "/users/z", "get", "/users/z", "id=z"},
		{"GET", "/teams/z", "first", "/teams/z", "x=teams"},
		{"GET", "/users/a/posts/b", "deep", "/users/a/posts/b", "id=a post=b"},
		{"POST", "/models/gemini-2.5-pro:generate", "verb", "/models/gemini-2.5-pro:generate", "model=gemini-2.5-pro"},
		{"POST", "/models/m:generateMore", "other", "/models/m:generateMore", "model=m"},
	} {
		m, ok := r.Match(row.method, row.path)
		values := strings.Trim(strings.ReplaceAll(strings.Trim(strings.TrimPrefix(fmt.Sprint(m.Values), "map"), "[]"), ":", "="), " ")
		if !ok || m.Action.Name != row.action || m.Path != row.upstream || values != row.values {
			t.Errorf("%s %s: got %+v (%s), %v", row.method, row.path, m, values, ok)
		}
	}
	for _, text := range []string{
		"GET /", "GET /users", "GET /users/", "GET /users/me/", "POST /users/me", "get /users/me", "GET /Users/me", "GET users/me", "GET /users/.", "GET /users/..",
		"GET /users/.x", "GET /users/x.", "GET /users/a:b", "GET /users/a@b", "GET /users/a%20b", "GET /users/a/b", "GET /v1//users/me", "GET /v3/users/me", "GET /v1users/me",
		"POST /models/:generate", "POST /models/m:generate:generate", "POST /models/a/b:generate", "POST /models/m:generateM", "POST /models/m",
		"GET /users/" + strings.Repeat("x", 300),
	} {
		method, path, _ := strings.Cut(text, " ")
		if m, ok := r.Match(method, path); ok {
			t.Errorf("%s: matches %+v", text, m)
		}
	}
}

func TestRoutesOpenOnlyWhatADialectHas(t *testing.T) {
	t.Parallel()
	known := []Endpoint{
		{Name: "send", Method: "POST", Path: "/emails", Aliases: []string{"/emails/send"}},
		{Name: "get", Method: "GET", Path: "/emails/{id}", Aliases: []string{"/mail/{id}"}},
	}
	r, err := NewRoutes(manifestOf(Action{Name: "send", Method: "POST", Path: "/emails"}, Action{Name: "get", Method: "GET", Path: "/emails/{id}"}), "http", known)
	if err != nil {
		t.Fatal(err)
	}
	for path, upstream := range map[string]string{"POST /emails": "/emails", "POST /emails/send": "/emails", "GET /emails/7": "/emails/7", "GET /mail/7": "/emails/7"} {
		method, path, _ := strings.Cut(path, " ")
		if m, ok := r.Match(method, path); !ok || m.Path != upstream {
			t.Errorf("%s: got %+v, %v", path, m, ok)
		}
	}
	for member, m := range map[string]Manifest{
		"dialect":         {Dialect: "smtp"},
		"actions.0":       manifestOf(Action{Name: "send", Method: "POST", Path: "/emails/send"}),
		"actions.0.query": manifestOf(Action{Name: "send", Method: "POST", Path: "/emails", Query: []string{"x"}}),
	} {
		var bad *ManifestError
		if _, err := NewRoutes(m, "http", known); !errors.As(err, &bad) || bad.Member != member {
			t.Errorf("got %v, want it to name %s", err, member)
		}
	}
	if r, err := NewRoutes(manifestOf(Action{Name: "send", Method: "POST", Path: "/emails"}), "http", known); err != nil {
		t.Error(err)
	} else if _, ok := r.Match("GET", "/emails/7"); ok {
		t.Error("an action the manifest does not list is open")
	}
	var bad *ManifestError
	_, err = NewRoutes(manifestOf(Action{Name: "delete", Method: "DELETE", Path: "/emails"}), "http", known)
	if !errors.As(err, &bad) || strings.Contains(bad.Problem, "%") || !strings.Contains(bad.Problem, "the http dialect has no action delete") {
		t.Errorf("got %v", err)
	}
}

func TestOpens(t *testing.T) {
	t.Parallel()
	got := Opens(manifestOf(Action{Name: "get", Method: "GET", Path: "/users/{id}", Query: []string{"limit"}}))
	want := []Opening{{Action: "get", Method: "GET", Path: "/r/http/x/users/{id}", Upstream: "https://x.example/v9/users/{id}", Query: []string{"limit"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRequestHeader(t *testing.T) {
	t.Parallel()
	m := Manifest{Headers: map[string]string{"x-version": "1", "X-Fixed": "2"}, PassHeaders: []string{"X-Version", "HTTP-Referer"}}
	h := m.RequestHeader(map[string][]string{
		"X-Version": {"9"}, "X-Fixed": {"theirs"}, "Http-Referer": {"https://a.example"}, "Accept": {"a/b"}, "Cookie": {"c"},
		"User-Agent": {"theirs"}, "Accept-Encoding": {"gzip"},
	}, "Accept")
	for name, want := range map[string]string{
		"X-Version": "9", "X-Fixed": "2", "HTTP-Referer": "https://a.example", "Accept": "a/b", "User-Agent": "keywicket", "Accept-Encoding": "identity",
	} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(h) != 6 {
		t.Errorf("got %v", h)
	}
	if got := m.RequestHeader(nil).Get("X-Version"); got != "1" {
		t.Errorf("the default is %q", got)
	}
}
