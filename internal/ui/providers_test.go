package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/providers"
)

const tickets = `{
  "id": "http:tickets",
  "title": "Tickets",
  "base_url": "https://api.tickets.example/v2",
  "dialect": "http",
  "credential": {"header": "Authorization", "prefix": "Bearer "},
  "headers": {"X-Tickets-Version": "2026-01"},
  "pass_headers": ["X-Trace"],
  "actions": [
    {"name": "tickets.list", "method": "GET", "path": "/tickets", "query": ["limit", "after"]}
  ],
  "docs": "https://docs.tickets.example"
}`

// with is the manifest with one text in place of another.
func with(old, text string) string { return strings.Replace(tickets, old, text, 1) }

func TestProvidersPages(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.get("/providers").has(t, "OpenAI", "llm:openai", "https://api.openai.com/v1", "From the gateway", "needs no key", "/providers/new")
	v.post("/keys", "resource", "llm:openai", "label", "work", "secret", canary)
	v.get("/providers").has(t, "1 key<")
	page := v.get("/providers/llm:openai")
	page.want(t, http.StatusOK, "")
	page.has(t, "chat.completions", "POST /r/llm/openai/chat/completions", "https://api.openai.com/v1/chat/completions", "Authorization: Bearer …", "1 stored")
	page.lacks(t, `/remove"`, `/edit"`)
	v.get("/providers/llm:anthropic").has(t, "/v1/chat/completions") // its other side
	v.get("/providers/llm:ollama").has(t, "None is needed", "private, loopback and link-local")
	v.get("/providers/llm:openai/edit").want(t, http.StatusSeeOther, "/providers/new?from=llm:openai")
	v.get("/providers/new?from=llm:openai").has(t, "&#34;id&#34;: &#34;llm:openai&#34;", "an <code>id</code> of its own")
	v.get("/providers/new?from=llm:nobody").want(t, http.StatusNotFound, "")
	v.post("/providers/llm:openai/remove").want(t, http.StatusConflict, "")
	v.get("/keys").lacks(t, "Ollama") // it takes none

	file := v.get("/providers/llm:openai/manifest")
	file.want(t, http.StatusOK, "")
	if name := file.Header.Get("Content-Disposition"); name != `attachment; filename="llm-openai.json"` {
		t.Errorf("exported as %s", name)
	}
	if m, err := c.book.Read([]byte(file.body)); err != nil || m.ID != "llm:openai" {
		t.Errorf("what was exported cannot be added: %v", err)
	}
}

func TestAddingAProvider(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	crlf := strings.ReplaceAll(tickets, "\n", "\r\n") // as browsers send it
	page := v.post("/providers/review", "manifest", crlf)
	page.want(t, http.StatusOK, "")
	page.has(t, "Add Tickets?", "GET /r/http/tickets/tickets", "https://api.tickets.example/v2/tickets", "limit, after", "X-Tickets-Version: 2026-01", "X-Trace", "Add it")
	page.lacks(t, `name="replace"`, `name="allow_private"`)
	if _, there := c.book.Lookup("http:tickets"); there || c.events(audit.ProviderAdded) != 0 {
		t.Fatal("the dry run added it")
	}
	v.post("/providers/new", "manifest", crlf).has(t, "&#34;http:tickets&#34;")

	v.post("/providers", "manifest", crlf).want(t, http.StatusSeeOther, "/providers/http:tickets")
	v.get("/providers/http:tickets").has(t, "The provider is stored.", "from you", "/edit", "/remove")
	if got := v.get("/providers/http:tickets/manifest").body; got != tickets {
		t.Errorf("exported\n%s", got)
	}

	edit := v.get("/providers/http:tickets/edit")
	edit.has(t, `name="editing" value="http:tickets"`, "Edit a provider")
	changed := with("api.tickets", "tickets")
	v.post("/keys", "resource", "http:tickets", "label", "work", "secret", canary)
	page = v.post("/providers/review", "editing", "http:tickets", "manifest", changed)
	page.has(t, "Change Tickets?", "1 key stored for", "https://tickets.example/v2", "https://api.tickets.example/v2")
	page.lacks(t, `name="replace"`)
	v.post("/providers", "editing", "http:tickets", "manifest", changed).want(t, http.StatusSeeOther, "/providers/http:tickets")
	v.get("/providers/http:tickets").has(t, "https://tickets.example/v2")

	page = v.post("/providers/review", "editing", "http:tickets", "manifest", with("http:tickets", "http:others"))
	page.has(t, "<code>http:tickets</code> stays as it is", "Add Tickets?")

	v.post("/providers/http:tickets/remove").want(t, http.StatusSeeOther, "/providers")
	v.get("/providers/http:tickets").want(t, http.StatusNotFound, "")
	v.get("/keys").has(t, "There is no such provider any more")
	v.post("/providers/http:tickets/remove").want(t, http.StatusNotFound, "")
	if added, removed := c.events(audit.ProviderAdded), c.events(audit.ProviderRemoved); added != 2 || removed != 1 {
		t.Errorf("recorded %d times as added, %d as removed", added, removed)
	}
}

// TestReviewNamesWhoGains: a permission that lists no actions allows all that
// its provider has, so the owner is told whose grows with a manifest.
func TestReviewNamesWhoGains(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	notes := c.approved("Notes")
	bound := c.asks("Bound", wantsOpenAI)
	c.must(c.pairing.Approve(bound.request().ID, []policy.Document{{Resource: "llm:openai", Actions: []string{"models.list"}}}))
	shipped := with("http:tickets", "llm:openai")

	page := v.post("/providers/review", "manifest", shipped)
	page.has(t, "Who may do more", `href="/apps/`+notes.id+`"`, "Notes</a> (tickets.list)")
	page.lacks(t, "Bound")
	v.post("/providers/review", "manifest", tickets).lacks(t, "Who may do more")
	v.post("/providers", "manifest", shipped).has(t, "Who may do more") // the yes is missing
	v.post("/providers", "manifest", shipped, "replace", "yes").want(t, http.StatusSeeOther, "/providers/llm:openai")
	v.post("/providers/review", "editing", "llm:openai", "manifest", shipped).lacks(t, "Who may do more")
	page = v.get("/providers/llm:openai") // what the one that ships has is the other's gain
	page.has(t, "Who may do more without it", `href="/apps/`+notes.id+`"`, "chat.completions")
	page.lacks(t, "(tickets.list")
	v.get("/providers/llm:groq").lacks(t, "Who may do more")
}

// TestConsentToAProvider holds what needs the owner's explicit yes to it, and
// to a yes to that very thing.
func TestConsentToAProvider(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	private := with(`"dialect"`, `"allow_private": true, "dialect"`)
	shipped := with("http:tickets", "llm:openai")
	both := strings.Replace(private, "http:tickets", "llm:openai", 1)
	c.must(errOf(c.book.Add([]byte(with("http:tickets", "http:mine")), providers.Consent{})))
	own := with("http:tickets", "http:mine")
	for name, row := range map[string]struct {
		manifest, id string
		no           [][]string
		yes          []string
	}{
		"private":             {private, "http:tickets", [][]string{{}, {"replace", "yes"}}, []string{"allow_private", "yes"}},
		"one that ships":      {shipped, "llm:openai", [][]string{{}, {"allow_private", "yes"}, {"editing", "llm:openai-2"}}, []string{"replace", "yes"}},
		"both":                {both, "llm:openai", [][]string{{}, {"replace", "yes"}, {"allow_private", "yes"}}, []string{"replace", "yes", "allow_private", "yes"}},
		"another of my own":   {own, "http:mine", [][]string{{}, {"editing", "llm:openai"}}, []string{"replace", "yes"}},
		"editing one of mine": {own, "http:mine", nil, []string{"editing", "http:mine"}},
	} {
		before := c.events(audit.ProviderAdded)
		for _, no := range row.no {
			got := v.post("/providers", append(no, "manifest", row.manifest)...)
			got.want(t, http.StatusUnprocessableEntity, "")
			got.has(t, "Not stored.", "Tick the box")
		}
		if c.events(audit.ProviderAdded) != before {
			t.Errorf("%s: recorded and not added", name)
		}
		v.post("/providers", append(row.yes, "manifest", row.manifest)...).want(t, http.StatusSeeOther, "/providers/"+row.id)
		if id := "llm:openai"; row.id == id {
			v.get("/providers").has(t, "in place of the gateway")
			v.post("/providers/"+id+"/remove").want(t, http.StatusSeeOther, "/providers")
		}
	}
	// An id that only looks as if it were being edited is no consent.
	v.post("/providers", "editing", "llm:openai", "manifest", shipped).want(t, http.StatusUnprocessableEntity, "")
}

func errOf[T any](_ T, err error) error { return err }

func TestRefusedManifests(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	for _, row := range []struct{ manifest, says string }{
		{"", "not valid JSON"},
		{"{", "not valid JSON"},
		{with(`"title"`, `"titel"`), "Member titel: not a member of a manifest"},
		{with(`"/tickets"`, `"tickets"`), "Member actions.0.path"},
		{with(`"http",`, `"smtp",`), "Member dialect"},
		{with(`"X-Trace"`, `"Authorization"`), "Member pass_headers.0"},
		{with("Tickets", "<script>alert(1)</script>") + "}", "not valid JSON"},
		{strings.Repeat(" ", 64<<10) + tickets, "larger than 65536 bytes"},
	} {
		for _, path := range []string{"/providers/review", "/providers"} {
			got := v.post(path, "manifest", row.manifest)
			got.want(t, http.StatusUnprocessableEntity, "")
			got.has(t, row.says, `name="manifest"`)
			got.lacks(t, "<script>alert")
		}
	}
	if n := c.events(audit.ProviderAdded); n != 0 {
		t.Errorf("%d recorded", n)
	}
}

// TestNothingIsAddedWithoutAuditLog: nothing becomes reachable that cannot be
// recorded.
func TestNothingIsAddedWithoutAuditLog(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	breakAudit(c)
	v.post("/providers", "manifest", tickets).want(t, http.StatusServiceUnavailable, "")
	if _, there := c.book.Lookup("http:tickets"); there {
		t.Error("added without a line in the log")
	}
	v.post("/keys", "resource", "llm:openai", "label", "work", "secret", canary).want(t, http.StatusServiceUnavailable, "")
	if keys := c.vault.CredentialsFor("llm:openai"); len(keys) != 0 {
		t.Error("a key is stored without a line in the log")
	}
}

func TestNamesForModels(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.get("/names").has(t, "No model has a name of yours yet")
	const odd = "a?b&c#d%2f<i>" // any visible character but a slash
	v.post("/names", "name", "fast", "targets", "groq/llama-3.3-70b-versatile\r\n\r\n openai/gpt-4o-mini ").want(t, http.StatusSeeOther, "/names")
	v.post("/names", "name", odd, "targets", "openai/ft:gpt-4o/x").want(t, http.StatusSeeOther, "/names")
	page := v.get("/names")
	page.has(t, "The name is set.", "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini", "a?b&amp;c#d%2f&lt;i&gt;", `/names?name=a%3Fb%26c%23d%252f%3Ci%3E#set`)
	v.get("/names?name=a%3Fb%26c%23d%252f%3Ci%3E").has(t, `value="a?b&amp;c#d%2f&lt;i&gt;"`, "openai/ft:gpt-4o/x</textarea>")
	v.post("/names", "name", "fast", "targets", "openai/gpt-4o").want(t, http.StatusSeeOther, "/names")
	if a, ok := c.book.Alias("fast"); !ok || a.Words() != "openai/gpt-4o" {
		t.Errorf("fast stands for %s", a.Words())
	}
	for _, row := range [][3]string{
		{"", "openai/gpt-4o", "Not set: its name must be"},
		{"a/b", "openai/gpt-4o", "Not set: its name must be"},
		{"slow", "", "1 to 8 targets"},
		{"slow", "gpt-4o", "a target is provider/model"},
		{"slow", "nobody/gpt-4o", "there is no provider llm:nobody"},
		{"slow", "openai/a\nopenai/a", "listed twice"},
	} {
		got := v.post("/names", "name", row[0], "targets", row[1])
		got.want(t, http.StatusUnprocessableEntity, "")
		got.has(t, row[2], row[1]+"</textarea>")
	}
	v.post("/names/remove", "name", odd).want(t, http.StatusSeeOther, "/names")
	v.post("/names/remove", "name", odd).want(t, http.StatusNotFound, "")
	if set, removed := c.events(audit.AliasSet), c.events(audit.AliasRemoved); set != 3 || removed != 1 {
		t.Errorf("recorded %d times as set, %d as removed", set, removed)
	}
}
