package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/plugintest"
)

const text = `{
  "id": "http:tickets", "title": "Tickets", "base_url": "https://api.tickets.example/v2", "dialect": "http",
  "credential": {"header": "X-Tickets-Key"},
  "headers": {"X-Tickets-Version": "2026-01"},
  "pass_headers": ["X-Trace"],
  "actions": [
    {"name": "tickets.list", "method": "GET", "path": "/tickets", "query": ["limit", "after"]},
    {"name": "tickets.get", "method": "GET", "path": "/tickets/{id}"},
    {"name": "tickets.create", "method": "POST", "path": "/tickets"},
    {"name": "tickets.close", "method": "POST", "path": "/tickets/{id}:close"},
    {"name": "notes.remove", "method": "DELETE", "path": "/tickets/{id}/notes/{note}"}
  ]
}`

func provider(t *testing.T) *Provider {
	t.Helper()
	m, err := plugins.ParseManifest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(method, path, body string) plugins.Request {
	r := plugins.Request{Method: method, Path: path, Header: http.Header{"Accept": {"application/json"}}}
	if body != "" {
		r.Body = []byte(body)
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sample := func(action, method, path, body string) plugintest.Sample {
		return plugintest.Sample{
			Name: action, Request: request(method, path, body), Facts: plugins.Facts{Action: action}, AnyJSON: body != "",
			Answers: []plugintest.Answer{{Received: `{"usage":{"prompt_tokens":5},"id":1}`}, {Received: "<html>"}},
		}
	}
	streamed := sample("tickets.list", "GET", "/tickets", "")
	streamed.Name = "stream"
	streamed.Request.Header.Set("Accept", "text/event-stream")
	streamed.Facts.Stream = true
	streamed.Answers = []plugintest.Answer{{Stream: true, Received: "event: x\ndata: {\"usage\":{}}\n\n"}}
	plugintest.Run(t, plugintest.Suite{
		Provider: provider(t),
		Samples: []plugintest.Sample{
			sample("tickets.list", "GET", "/tickets", ""),
			sample("tickets.get", "GET", "/tickets/T-12.3", ""),
			sample("tickets.create", "POST", "/tickets", `{"title":"x","list":[1,{"a":null}]}`),
			sample("tickets.close", "POST", "/tickets/T-12:close", `[{"a":1}]`),
			sample("notes.remove", "DELETE", "/tickets/T-12/notes/9", ""),
			streamed,
		},
	})
}

func TestQuery(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"": "", "limit=5": "limit=5", "after=a%20b&limit=5": "after=a+b&limit=5", "limit=": "limit=", "limit=%c3%a4": "limit=%C3%A4", "limit": "limit=",
	} {
		r := request("GET", "/tickets", "")
		r.RawQuery = raw
		call, err := provider(t).Describe(r)
		if err != nil || call.RawQuery != want {
			t.Errorf("%s: got %+v, %v", raw, call, err)
		}
	}
	for _, raw := range []string{
		"zz=1", "limit=1&zz=1", "limit=1&limit=2", "Limit=1", "limit[]=1", "limit=%00", "limit=%0d%0aX:1", "limit=%ff", "limit=1;zz=1", "%zz", "lim%69t=1&limit=2",
		"limit=" + strings.Repeat("x", 3000), strings.Repeat("a=1&", 4000),
	} {
		r := request("GET", "/tickets", "")
		r.RawQuery = raw
		if call, err := provider(t).Describe(r); err == nil {
			t.Errorf("%.40s: became %q", raw, call.RawQuery)
		}
	}
	r := request("GET", "/tickets/1", "")
	r.RawQuery = "limit=5"
	if _, err := provider(t).Describe(r); err == nil {
		t.Error("a parameter of another action is let through")
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	call, err := provider(t).Describe(request("POST", "/tickets", ` {"a" : "\u0061"} `))
	if err != nil || string(call.Body) != ` {"a" : "\u0061"} ` {
		t.Errorf("the body became %+v, %v", call, err)
	}
	if call, err := provider(t).Describe(request("POST", "/tickets/1:close", "")); err != nil || call.Body != nil || call.Header.Get("Content-Type") != "" {
		t.Errorf("no body became %+v, %v", call, err)
	}
	for _, r := range []plugins.Request{
		request("GET", "/tickets", "{}"), request("DELETE", "/tickets/1/notes/2", "{}"), request("POST", "/tickets", "a=b"),
		request("POST", "/tickets", "\ufeff{}"), request("POST", "/tickets", `{"a":1,"a":2}`), request("POST", "/tickets", "{}{}"),
	} {
		if call, err := provider(t).Describe(r); err == nil {
			t.Errorf("%s %s %q became %+v", r.Method, r.Path, r.Body, call)
		}
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	p := provider(t)
	if probe := p.Probe(); probe.Path != "/tickets" || probe.Header.Get("X-Tickets-Version") != "2026-01" {
		t.Errorf("the probe is %+v", probe)
	}
	for _, row := range []struct {
		status int
		body   string
		ok     bool
	}{
		{200, `{"data":[]}`, true}, {200, `[1]`, true}, {200, "[" + strings.Repeat("1,", 40_000), true},
		{200, `{"error":"x"}`, false}, {200, `<html>`, false}, {200, `"ok"`, false}, {401, ``, false}, {204, ``, false},
	} {
		if verdict := p.Probe().Explain(row.status, []byte(row.body)); verdict.OK != row.ok {
			t.Errorf("%d %.20s: %+v", row.status, row.body, verdict)
		}
	}
	m := p.Manifest()
	m.Actions = m.Actions[1:]
	p, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	if verdict := p.Probe().Explain(200, []byte(`{}`)); p.Probe().Path != "/" || verdict.OK {
		t.Errorf("without a GET to ask: %+v, %+v", p.Probe(), verdict)
	}
}

func TestNewRefusesOtherDialects(t *testing.T) {
	t.Parallel()
	if p, err := New(plugins.Manifest{Dialect: "openai"}); err == nil {
		t.Errorf("got %v", p)
	}
}
