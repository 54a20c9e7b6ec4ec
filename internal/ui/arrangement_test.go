package ui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/vault"
)

func TestArrangingKeys(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.post("/keys", "resource", "llm:openai", "label", "old", "secret", canary).want(t, http.StatusSeeOther, "/keys")
	v.post("/keys", "resource", "llm:openai", "label", "new", "secret", canary, "rank", "2", "weight", "5",
		"headers", "OpenAI-Organization: org-1\r\n\r\nopenai-project:proj_1", "base_url", "https://proxy.example/v1", "allow_private", "yes").want(t, http.StatusSeeOther, "/keys")
	old, young := c.vault.CredentialsFor("llm:openai")[0], c.vault.CredentialsFor("llm:openai")[1]
	if young.Rank != 2 || young.Weight != 5 || !young.AllowPrivate || young.Headers["Openai-Organization"] != "org-1" || young.Headers["Openai-Project"] != "proj_1" {
		t.Fatalf("stored %+v", young)
	}
	v.get("/keys").has(t, "rank 2, weight 5", "Openai-Project: proj_1", "may be on a private network", "drain the old one")

	v.post("/keys/"+young.ID+"/arrange", "rank", "0", "weight", "3").want(t, http.StatusSeeOther, "/keys")
	c.health.Store(&map[string]vault.Health{})
	c.vault.Lock() // all of this works while locked
	v.post("/keys/"+old.ID+"/drain").want(t, http.StatusSeeOther, "/keys")
	c.arranged(old.ID, vault.Arrangement{Draining: true})
	page := v.get("/keys")
	page.has(t, "New requests use other keys", ">Drained<", "it can be removed", "/keys/"+old.ID+"/use")
	v.post("/keys/"+old.ID+"/arrange", "rank", "7", "weight", "1").want(t, http.StatusSeeOther, "/keys")
	c.arranged(old.ID, vault.Arrangement{Rank: 7, Weight: 1, Draining: true})
	page = v.get("/keys")
	if strings.Index(page.body, "rank 0, weight 3") > strings.Index(page.body, "rank 7, weight 1") {
		t.Error("not in the order of trying")
	}
	v.post("/keys/"+old.ID+"/use").want(t, http.StatusSeeOther, "/keys")
	c.arranged(old.ID, vault.Arrangement{Rank: 7, Weight: 1})

	for _, row := range [][3]string{{"100", "1", "The rank"}, {"-1", "1", "The rank"}, {"x", "1", "The rank"}, {"1", "101", "The weight"}, {"1", "1.5", "The weight"}} {
		got := v.post("/keys/"+old.ID+"/arrange", "rank", row[0], "weight", row[1])
		got.want(t, http.StatusUnprocessableEntity, "")
		got.has(t, "Not changed. "+row[2])
	}
	c.arranged(old.ID, vault.Arrangement{Rank: 7, Weight: 1})
	v.post("/keys/old/drain").want(t, http.StatusNotFound, "")
	if n := c.events(audit.KeyArranged); n != 4 {
		t.Errorf("%d lines in the audit log", n)
	}
	c.nowhere(canary)
}

func (c *console) arranged(id string, want vault.Arrangement) {
	c.t.Helper()
	all, err := c.vault.Credentials()
	c.must(err)
	for _, key := range all {
		if key.ID == id && key.Arrangement != want {
			c.t.Errorf("%s: %+v, want %+v", key.Label, key.Arrangement, want)
		}
	}
}

func TestRefusedArrangements(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	for _, row := range [][]string{
		{"Headers:", "headers", "OpenAI-Organization"},
		{"Headers:", "headers", "A: 1\nA: 2"},
		{"Headers:", "headers", "A: two words"},
		{"Headers: X-Api-Key cannot be stored with a key", "headers", "x-api-key: sk-2"},
		{"Rank:", "rank", "first"},
		{"Rank:", "rank", "100"},
		{"Weight:", "weight", "-2"},
	} {
		got := v.post("/keys", append([]string{"resource", "llm:openai", "label", "work", "secret", canary}, row[1:]...)...)
		got.want(t, http.StatusUnprocessableEntity, "")
		got.has(t, "Not stored. "+row[0])
		got.lacks(t, canary)
	}
}

func TestHealthOfKeys(t *testing.T) {
	t.Parallel()
	c := newConsole(t).setUp()
	v := c.signedIn()
	v.post("/keys", "resource", "llm:openai", "label", "work", "secret", canary)
	id := c.vault.CredentialsFor("llm:openai")[0].ID
	v.get("/keys").lacks(t, "<dt>Use</dt>")
	for _, row := range []struct {
		health   vault.Health
		draining bool
		says     []string
	}{
		{vault.Health{State: "ok", InUse: 2, Requests: 1204, Failed: 3, LastFailure: "told to slow down", SlowModels: 1, Apps: 2}, false,
			[]string{">In use<", "2 now, 1,204 requests", "3 failed (told to slow down)", "Rests for 1 model", "Rests for 2 apps that met failures"}},
		{vault.Health{State: "resting", Apps: 2, Why: "refused", Until: c.now.Add(time.Minute), Requests: 1, Failed: 1, LastFailure: "refused"}, false,
			[]string{">Resting<", "Not tried until", ": refused."}},
		{vault.Health{State: "trying", Why: "no credit left", Requests: 1}, false, []string{">Resting<", "The next request finds out"}},
		{vault.Health{State: "ok", InUse: 1, Requests: 9}, true, []string{">Draining<", "1 now, 9 requests"}},
		{vault.Health{State: "ok", Requests: 9}, true, []string{">Drained<", "it can be removed", "0 now, 9 requests"}},
	} {
		c.health.Store(&map[string]vault.Health{id: row.health})
		_, err := c.vault.Arrange(id, vault.Arrangement{Draining: row.draining})
		c.must(err)
		v.get("/keys").has(t, row.says...)
	}
}
