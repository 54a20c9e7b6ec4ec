package client_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
)

func TestReductions(t *testing.T) {
	t.Parallel()
	full := client.Permission{
		Resource: "llm:openai", Actions: []string{"chat.completions", "models.list"}, Models: []string{"gpt-4o*", "o3"},
		MaxOutputTokens: 100, MaxBodyBytes: 1000, Limits: []client.Limit{{Per: "day", Requests: 100}}, Concurrency: 4, ExpiresIn: time.Hour,
	}
	for _, row := range []struct {
		name  string
		asked client.Permission
		grant func(*client.Permission)
		less  []string
	}{
		{"as asked", full, func(*client.Permission) {}, nil},
		{"more than asked", full, func(p *client.Permission) {
			p.Actions, p.Models, p.MaxOutputTokens, p.Limits, p.ExpiresAt = nil, nil, 0, nil, time.Time{}
		}, nil},
		{"fewer actions", full, func(p *client.Permission) { p.Actions = p.Actions[:1] }, []string{"actions"}},
		{"fewer models", full, func(p *client.Permission) { p.Models = []string{"o3"} }, []string{"models"}},
		{"models where none were named", client.Permission{Resource: "llm:openai"}, func(p *client.Permission) { p.Models = []string{"*"} }, []string{"models"}},
		{"a denied model", full, func(p *client.Permission) { p.DenyModels = []string{"o3"} }, []string{"deny_models"}},
		{"lower caps", full, func(p *client.Permission) { p.MaxOutputTokens, p.MaxBodyBytes, p.Concurrency = 99, 999, 3 },
			[]string{"max_output_tokens", "max_body_bytes", "concurrency"}},
		{"a cap where none was named", client.Permission{Resource: "llm:openai"}, func(p *client.Permission) { p.Concurrency = 1 }, []string{"concurrency"}},
		{"no tools, no streams", full, func(p *client.Permission) { p.Tools, p.Streaming = "deny", "deny" }, []string{"tools", "streaming"}},
		{"a lower limit", full, func(p *client.Permission) { p.Limits = []client.Limit{{Per: "day", Requests: 99}} }, []string{"limits"}},
		{"a higher limit", full, func(p *client.Permission) { p.Limits = []client.Limit{{Per: "day", Requests: 101}} }, nil},
		{"another limit", full, func(p *client.Permission) { p.Limits = append(p.Limits, client.Limit{Per: "minute", Requests: 1}) }, []string{"limits"}},
		{"fewer dollars", dollars("1.50"), func(p *client.Permission) { p.Limits = []client.Limit{{Per: "day", Dollars: "1.499999999"}} }, []string{"limits"}},
		{"as many dollars", dollars("1.50"), func(p *client.Permission) { p.Limits = []client.Limit{{Per: "day", Dollars: "1.5"}} }, nil},
		{"tokens too", full, func(p *client.Permission) { p.Limits = []client.Limit{{Per: "day", Requests: 100, Tokens: 5}} }, []string{"limits"}},
		{"less input, some mail", full, func(p *client.Permission) { p.MaxInputTokens, p.Mail = 1, &client.Mail{MaxRecipients: 1} }, []string{"max_input_tokens", "mail"}},
		{"for half as long", full, func(p *client.Permission) { p.ExpiresAt = time.Now().Add(30 * time.Minute) }, []string{"expires_at"}},
		{"from tomorrow", full, func(p *client.Permission) { p.NotBefore = time.Now().Add(24 * time.Hour) }, []string{"not_before"}},
	} {
		g := newGateway(t)
		g.grant = func(json.RawMessage) json.RawMessage {
			granted := row.asked
			granted.ExpiresIn, granted.Reason = 0, ""
			if row.asked.ExpiresIn > 0 {
				granted.ExpiresAt = time.Now().Add(row.asked.ExpiresIn)
			}
			row.grant(&granted)
			raw, err := json.Marshal([]client.Permission{granted})
			if err != nil {
				t.Error(err)
			}
			return raw
		}
		c := paired(t, g, func(app *client.App) { app.Ask = []client.Permission{row.asked} })
		got := c.Reductions()
		if len(row.less) == 0 && len(got) != 0 || len(row.less) > 0 && (len(got) != 1 || !slices.Equal(got[0].Less, row.less) || got[0].Refused) {
			t.Errorf("%s: %+v, want less %v", row.name, got, row.less)
		}
	}
}

func TestRefusedResourceIsAReduction(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.grant = func(json.RawMessage) json.RawMessage {
		return json.RawMessage(`[{"type":"keywicket","identifier":"llm:openai"}]`)
	}
	c := paired(t, g, func(app *client.App) {
		app.Ask = []client.Permission{{Resource: "llm:openai"}, {Resource: "mail:resend", Reason: "to send reports"}}
	})
	if got := c.Reductions(); len(got) != 1 || !got[0].Refused || got[0].Resource != "mail:resend" || got[0].Asked.Reason != "to send reports" {
		t.Errorf("%+v", got)
	}
}

// dollars is a permission with a limit of so much a day.
func dollars(amount string) client.Permission {
	return client.Permission{Resource: "llm:openai", Limits: []client.Limit{{Per: "day", Dollars: amount}}}
}
