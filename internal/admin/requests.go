package admin

import (
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

func (a *Admin) listRequests(c echo.Context) error {
	pending := a.cfg.Pairing.Requests()
	out := make([]Request, 0, len(pending))
	for _, request := range pending {
		out = append(out, a.requestOf(request))
	}
	return answer(c, out)
}

func (a *Admin) approve(c echo.Context) error {
	in, err := decode[ApproveInput](c)
	if err != nil {
		return err
	}
	if err := in.Term.check(); err != nil {
		return err
	}
	request, err := a.request(c.Param("name"))
	if err != nil {
		return err
	}
	now := a.cfg.Clock()
	documents := proposal(request)
	if len(in.Documents) > 0 {
		if documents, err = policy.ParseAll([]byte(in.Documents), now); err != nil {
			return err
		}
	}
	grant, defaulted := in.Term.apply(documents, now)
	if err := a.cfg.Pairing.Approve(request.ID, grant); err != nil {
		return err
	}
	request.Status = pairing.RequestApproved
	return answer(c, ApproveOutput{Request: a.requestOf(request), Granted: a.words(grant), DefaultedEnd: defaulted})
}

// proposal is what a request gets when the owner changes nothing: the preset
// for what was asked, or what was asked when there is none.
func proposal(r pairing.ConsentRequest) []policy.Document {
	if len(r.Preset) > 0 {
		return r.Preset
	}
	return r.Asked
}

func (a *Admin) deny(c echo.Context) error {
	request, err := a.request(c.Param("name"))
	if err != nil {
		return err
	}
	if err := a.cfg.Pairing.Deny(request.ID); err != nil {
		return err
	}
	request.Status = pairing.RequestDenied
	return answer(c, a.requestOf(request))
}

// request finds a consent request by its id or its user code.
func (a *Admin) request(name string) (pairing.ConsentRequest, error) {
	if request, err := a.cfg.Pairing.Request(name); err == nil {
		return request, nil
	}
	return a.cfg.Pairing.RequestByUserCode(name)
}

func (a *Admin) requestOf(r pairing.ConsentRequest) Request {
	alike := []Lookalike{}
	for _, l := range a.cfg.Pairing.Lookalikes(r.AppID, r.AppName) {
		alike = append(alike, Lookalike{ID: l.ID, Name: l.Name, Status: string(l.Status), Same: l.Same})
	}
	proposed, defaulted := Term{}.apply(proposal(r), a.cfg.Clock())
	return Request{
		ID: r.ID, AppID: r.AppID, AppName: r.AppName, AppURI: r.AppURI, UserCode: r.UserCode, RedirectURI: r.RedirectURI,
		Fingerprint: r.Fingerprint, Address: r.Address, Reason: r.Reason, Lookalikes: alike, Status: string(r.Status),
		Asked: a.words(r.Asked), Preset: a.words(r.Preset), Proposal: a.words(proposed), DefaultedEnd: defaulted,
		CreatedAt: a.at(r.CreatedAt), ExpiresAt: a.at(r.ExpiresAt),
	}
}
