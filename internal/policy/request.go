package policy

import "time"

// Request is what a request is about, as the dialect described it.
type Request struct {
	AppStatus    string    `json:"app_status"` // "active", "suspended" or "revoked"; anything else is denied
	Resource     string    `json:"resource"`
	Action       string    `json:"action"`
	Model        string    `json:"model,omitzero"`  // as the client names it; "" when none can be found
	Origin       string    `json:"origin,omitzero"` // of the web page it comes from, as the browser says
	BodyBytes    int64     `json:"body_bytes,omitzero"`
	BodyBound    bool      `json:"body_bound,omitzero"`    // the proof names the body, and it is that one
	OutputTokens int64     `json:"output_tokens,omitzero"` // asked per choice; 0 is none asked
	Choices      int64     `json:"choices,omitzero"`       // answers asked for; 0 is one
	Tools        bool      `json:"tools,omitzero"`
	Stream       bool      `json:"stream,omitzero"`
	Time         time.Time `json:"time"`
}

// ActionListModels is the one action that names no model: it lists them. It
// passes model lists, is not counted by limits with a model, and gets no
// output cap. Every other request without a model is one "in which no model
// can be found": denied when a list is present, and counted by every limit.
const ActionListModels = "models.list"

// listsModels is decided by the action alone, which comes from the route: a
// fact that a client could leave out must not open this door.
func (r Request) listsModels() bool { return r.Action == ActionListModels && r.Model == "" }

func (r Request) choices() int64 { return max(r.Choices, 1) }

// countedBy says whether a limit counts the request. A model that is missing
// or too long to compare counts everywhere: hiding it must gain nothing.
func (r Request) countedBy(l Limit) bool {
	switch {
	case l.Model == "":
		return true
	case r.listsModels():
		return false
	case r.Model == "" || len(r.Model) > maxGlobBytes:
		return true
	}
	return matchModel(l.Model, r.Model)
}
