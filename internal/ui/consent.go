package ui

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// showConsent is GET /requests/:id.
func (u *UI) showConsent(c echo.Context) error {
	r, err := u.pending(c)
	if err != nil {
		return err
	}
	v, err := u.consentView(c, r)
	if err != nil {
		return err
	}
	v.Until = u.untilChoices("", "", offered(r))
	for i, d := range offered(r) {
		v.Grants[i].Included = true
		v.Grants[i].Models = strings.Join(d.Models, ", ")
		v.Grants[i].Keys = u.keyOffers(keyValue(d.Resource, d.Key), d.Resource)
		v.Grants[i].Amount = amountOf(d)
		// A request that names no daily cap is met with one; what the owner
		// attached to the string was decided then.
		v.Grants[i].Amount.Capped = v.Grants[i].Amount.Capped || len(r.Preset) == 0
	}
	return render(c, http.StatusOK, consentPage(v))
}

// approve is POST /requests/:id/approve.
func (u *UI) approve(c echo.Context) error {
	r, err := u.pending(c)
	if err != nil {
		return err
	}
	grant, err := u.grant(c, offered(r))
	var back string
	if err == nil {
		back, err = u.cfg.Pairing.ApproveInBrowser(r.ID, grant)
	}
	if problem, refused := documentProblem(err, pairing.ErrGrant); refused {
		return u.consentAgain(c, r, problem)
	}
	if err != nil {
		return err
	}
	if back != "" {
		return sendBack(c, back)
	}
	return u.done(c, saidApproved, "/apps/"+url.PathEscape(r.AppID))
}

// deny is POST /requests/:id/deny.
func (u *UI) deny(c echo.Context) error {
	back, err := u.cfg.Pairing.DenyInBrowser(c.Param("id"))
	if err != nil {
		return err
	}
	if back != "" {
		return sendBack(c, back)
	}
	return u.done(c, saidDenied, "/requests")
}

// sendBack leaves the console for the app that waits with the answer. The
// address has been registered by the app and shown to the owner.
func sendBack(c echo.Context, redirect string) error {
	return c.Redirect(http.StatusSeeOther, redirect) // 303: RFC 9700 section 4.12
}

// allowSendBack lets the form of this page end at the app: browsers hold the
// whole chain of redirects after a form to form-action. From the app's own
// address on it may lead anywhere with https, as callbacks do.
func allowSendBack(h http.Header, redirectURI string) {
	to := " https:"
	if u, err := url.Parse(redirectURI); err == nil && u.Scheme == "http" {
		to += " http://" + u.Host
	}
	h.Set("Content-Security-Policy", strings.Replace(contentPolicy, "form-action 'self'", "form-action 'self'"+to, 1))
}

// pending is the request that the address names, if it still waits.
func (u *UI) pending(c echo.Context) (pairing.ConsentRequest, error) {
	r, err := u.cfg.Pairing.Request(c.Param("id"))
	if err == nil && r.Status != pairing.RequestPending {
		err = pairing.ErrRequestDecided
	}
	return r, err
}

// grant is what the form grants: the documents that were shown, changed as
// the form says.
func (u *UI) grant(c echo.Context, shown []policy.Document) ([]policy.Document, error) {
	var grant []policy.Document
	for i, d := range shown {
		suffix := suffixOf(i)
		if len(shown) > 1 && posted(c, "include"+suffix) != "yes" {
			continue
		}
		if err := errors.Join(setModels(c, suffix, &d), u.setKey(c, suffix, &d), setAmount(c, suffix, &d)); err != nil {
			return nil, err
		}
		grant = append(grant, d)
	}
	if len(grant) == 0 {
		return nil, formError("Nothing is ticked: tick what to approve, or deny the request.")
	}
	if err := u.setEnds(c, grant); err != nil {
		return nil, err
	}
	for _, d := range grant {
		if err := d.Validate(); err != nil {
			return nil, err
		}
	}
	return grant, nil
}

// backView takes a redirect URI apart, so that the part that says whose it is
// stands out.
func backView(redirectURI string) back {
	u, err := url.Parse(redirectURI)
	if err != nil || redirectURI == "" {
		return back{}
	}
	return back{Origin: u.Scheme + "://" + u.Host, Rest: strings.TrimPrefix(redirectURI, u.Scheme+"://"+u.Host)}
}

func suffixOf(i int) string { return fmt.Sprintf("-%d", i) }

// consentAgain shows the form as it was sent, with what is wrong with it.
func (u *UI) consentAgain(c echo.Context, r pairing.ConsentRequest, problem string) error {
	v, err := u.consentView(c, r)
	if err != nil {
		return err
	}
	v.Problem = problem
	v.Until = u.untilChoices(posted(c, "until"), posted(c, "until_date"), offered(r))
	for i := range v.Grants {
		suffix := v.Grants[i].Suffix
		v.Grants[i].Included = posted(c, "include"+suffix) == "yes"
		v.Grants[i].Models = posted(c, "models"+suffix)
		v.Grants[i].Keys = u.keyOffers(posted(c, "key"+suffix), v.Grants[i].Resource)
		v.Grants[i].Amount = postedAmount(c, suffix)
	}
	return render(c, http.StatusUnprocessableEntity, consentPage(v))
}

// consentView is the part of the screen that is not the form's.
func (u *UI) consentView(c echo.Context, r pairing.ConsentRequest) (consentView, error) {
	if r.RedirectURI != "" {
		allowSendBack(c.Response().Header(), r.RedirectURI)
	}
	keys, err := u.cfg.Vault.Credentials()
	if err != nil {
		return consentView{}, err
	}
	stored := map[string]bool{}
	for _, key := range keys {
		stored[key.Resource] = true
	}
	v := consentView{
		Frame: u.frame(c, r.AppName+" asks for access", "requests", "/requests/"+url.PathEscape(r.ID)),
		ID:    r.ID, AppName: r.AppName, AppURI: r.AppURI, Address: r.Address, Reason: r.Reason,
		UserCode: r.UserCode, Fingerprint: groups(r.Fingerprint), Back: backView(r.RedirectURI),
		Asked: u.at(r.CreatedAt), Lapses: u.at(r.ExpiresAt), Preset: len(r.Preset) > 0,
	}
	for _, l := range u.cfg.Pairing.Lookalikes(r.AppID, r.AppName) {
		v.Alike = append(v.Alike, alikeView{ID: l.ID, Name: l.Name, Status: string(l.Status), Same: l.Same})
	}
	for i, d := range offered(r) {
		lines := d.Sentences(u.cfg.Zone)
		if n := len(lines); n > 1 && len(offered(r)) == 1 {
			lines = lines[:n-1] // until when: the choices below say it
		}
		_, err := u.cfg.Pairing.Permission(r.AppID, d.Resource)
		v.Grants = append(v.Grants, grantView{
			Suffix: suffixOf(i), Title: u.title(d.Resource), Resource: d.Resource,
			Sentences: lines, NoKey: !stored[d.Resource], Replaces: err == nil,
		})
	}
	return v, nil
}
