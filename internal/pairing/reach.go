package pairing

import (
	"cmp"
	"slices"
)

// Reach is an app and those of some actions that its permission covers.
type Reach struct {
	AppID   string   `json:"app_id"`
	AppName string   `json:"app_name"`
	Actions []string `json:"actions"`
}

// Reaching returns who may do any of these actions of a resource, by name, as if
// the resource had them. A permission that lists no actions covers them all: it
// grows with its provider. Apps that are revoked, and permissions that have
// expired, are left out.
func (p *Pairing) Reaching(resource string, actions []string) []Reach {
	p.mu.RLock()
	defer p.mu.RUnlock()
	now := p.now()
	var all []Reach
	for id, app := range p.live.apps {
		perm, has := p.live.permissions[id][resource]
		d := perm.Document
		if !has || !app.Status.known() || !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now) {
			continue
		}
		may := slices.Clone(actions)
		if d.Actions != nil {
			may = slices.DeleteFunc(may, func(a string) bool { return !slices.Contains(d.Actions, a) })
		}
		if len(may) > 0 {
			all = append(all, Reach{AppID: id, AppName: app.Name, Actions: may})
		}
	}
	slices.SortFunc(all, func(a, b Reach) int { return cmp.Or(cmp.Compare(a.AppName, b.AppName), cmp.Compare(a.AppID, b.AppID)) })
	return all
}
