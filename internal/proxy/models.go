package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/keywicket/keywicket/internal/providers"
)

// listed is one model as both dialects list it.
type listed struct {
	ID          string `json:"id"`
	Object      string `json:"object,omitzero"`       // OpenAI: model
	Created     *int64 `json:"created,omitzero"`      // OpenAI: 0, it is not known
	OwnedBy     string `json:"owned_by,omitzero"`     // OpenAI: the provider, or the owner of the gateway
	Type        string `json:"type,omitzero"`         // Anthropic: model
	DisplayName string `json:"display_name,omitzero"` // Anthropic
	CreatedAt   string `json:"created_at,omitzero"`   // Anthropic: the epoch, it is not known
}

// listModels answers with the names the app may use on the one address. Nothing
// of it comes from a provider.
func (x *exchange) listModels() {
	native := x.unified.native
	names := x.names().list(func(t providers.Target) bool {
		_, ok := x.p.speaks(native, t.Resource)
		return ok
	})
	all := make([]listed, len(names))
	for i, name := range names {
		if native {
			all[i] = listed{ID: name, Type: "model", DisplayName: name, CreatedAt: "1970-01-01T00:00:00Z"}
			continue
		}
		owner, _, qualified := strings.Cut(name, "/")
		if !qualified {
			owner = "owner"
		}
		all[i] = listed{ID: name, Object: "model", Created: new(int64), OwnedBy: owner}
	}
	body, err := modelList(all, native)
	if err != nil {
		x.refuse(err)
		return
	}
	h := x.reply.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.reply.WriteHeader(http.StatusOK)
	_, _ = x.reply.Write(body) // a client that has gone needs no list
}

func modelList(all []listed, native bool) ([]byte, error) {
	if !native {
		return json.Marshal(struct {
			Object string   `json:"object"`
			Data   []listed `json:"data"`
		}{"list", all})
	}
	page := struct {
		Data    []listed `json:"data"`
		HasMore bool     `json:"has_more"`
		FirstID *string  `json:"first_id"`
		LastID  *string  `json:"last_id"`
	}{Data: all}
	if len(all) > 0 {
		page.FirstID, page.LastID = &all[0].ID, &all[len(all)-1].ID
	}
	return json.Marshal(page)
}
