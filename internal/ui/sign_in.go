package ui

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/vault"
)

// showSignIn is GET /sign-in?next=…
func (u *UI) showSignIn(c echo.Context) error {
	if !u.cfg.Vault.Initialized() {
		return c.Redirect(http.StatusSeeOther, "/setup")
	}
	next := local(c.QueryParam("next"))
	if u.signedIn(c) {
		return c.Redirect(http.StatusSeeOther, next)
	}
	return render(c, http.StatusOK, signInPage(signInView{
		Frame:  frame{Title: "Sign in", Said: u.said(c)},
		Next:   next,
		Locked: u.cfg.Vault.Locked(),
		Unlock: true,
	}))
}

// signIn is POST /sign-in.
func (u *UI) signIn(c echo.Context) error {
	if !u.cfg.Vault.Initialized() {
		return c.Redirect(http.StatusSeeOther, "/setup")
	}
	next, unlock := local(posted(c, "next")), posted(c, "unlock") == "yes"
	check := u.cfg.Vault.VerifyFromConsole
	if unlock {
		check = u.openVault(c)
	}
	if err := withPassphrase(c, check); err != nil {
		status, words, refused := u.refusedPassphrase(c, audit.OwnerSignInRefused, err)
		if !refused {
			return err
		}
		return render(c, status, signInPage(signInView{
			Frame: frame{Title: "Sign in"}, Next: next, Problem: words,
			Locked: u.cfg.Vault.Locked(), Unlock: unlock,
		}))
	}
	if err := u.record(audit.Event{Kind: audit.OwnerSignedIn, Address: c.RealIP()}); err != nil {
		return err
	}
	if err := u.startSession(c); err != nil {
		return err
	}
	return u.done(c, "", next)
}

// signOut is POST /sign-out.
func (u *UI) signOut(c echo.Context) error {
	if err := u.cfg.Owner.EndSession(u.cfg.Owner.Token(c.Request())); err != nil {
		return err
	}
	c.SetCookie(u.cfg.Owner.Cookie(""))
	if err := u.record(audit.Event{Kind: audit.OwnerSignedOut, Address: c.RealIP()}); err != nil {
		return err
	}
	return u.done(c, saidSignedOut, "/sign-in")
}

// signOutEverywhere is POST /sign-out/everywhere: every browser has to sign in
// again. It is done even if it cannot be recorded.
func (u *UI) signOutEverywhere(c echo.Context) error {
	c.SetCookie(u.cfg.Owner.Cookie(""))
	err := u.cfg.Owner.EndAllSessions()
	err = errors.Join(err, u.record(audit.Event{Kind: audit.OwnerSignedOut, Address: c.RealIP(), Detail: "every browser"}))
	if err != nil {
		return errors.Join(pairing.ErrNotRecorded, err)
	}
	return u.done(c, saidSignedOutEverywhere, "/sign-in")
}

// startSession gives the browser a new session. One that it brought along is
// ended, so that nobody can have planted it.
func (u *UI) startSession(c echo.Context) error {
	if old := u.cfg.Owner.Token(c.Request()); old != "" {
		if err := u.cfg.Owner.EndSession(old); err != nil {
			return err
		}
	}
	token, err := u.cfg.Owner.StartSession()
	if err != nil {
		return fmt.Errorf("starting session: %w", err)
	}
	c.SetCookie(u.cfg.Owner.Cookie(token))
	return nil
}

// signedIn says whether the browser has a session.
func (u *UI) signedIn(c echo.Context) bool {
	token := u.cfg.Owner.Token(c.Request())
	return token != "" && u.cfg.Owner.Session(token) == nil
}

// withPassphrase hands the passphrase of the form to check. An empty one is
// not worth an attempt, nor a line in the audit log.
func withPassphrase(c echo.Context, check func([]byte) error) error {
	passphrase := []byte(posted(c, "passphrase"))
	defer clear(passphrase)
	if len(passphrase) == 0 {
		return formError("Type the passphrase.")
	}
	return check(passphrase)
}

// refusedPassphrase tells what to say when a passphrase was not accepted, and
// records it: as the owner's doing only for a browser that has signed in.
// Refused is false for any other error.
func (u *UI) refusedPassphrase(c echo.Context, kind audit.Kind, err error) (status int, words string, refused bool) {
	if empty, ok := errors.AsType[formError](err); ok {
		return http.StatusUnprocessableEntity, empty.Error(), true
	}
	if soon, ok := errors.AsType[*vault.TooSoonError](err); ok {
		wait := int64(math.Ceil(soon.RetryAfter.Seconds()))
		c.Response().Header().Set("Retry-After", strconv.FormatInt(wait, 10))
		return http.StatusTooManyRequests, "Too many attempts. Try again in " + count(wait, "second") + ".", true
	}
	if !errors.Is(err, vault.ErrWrongPassphrase) {
		return 0, "", false
	}
	by := audit.Gateway
	if u.signedIn(c) {
		by = audit.Owner
	}
	if err := u.record(audit.Event{Kind: kind, Actor: by, Code: "wrong_passphrase", Address: c.RealIP()}); err != nil {
		u.cfg.Log.Error("recording a refused passphrase", "error", err)
	}
	return http.StatusForbidden, "That is not the passphrase. Try again.", true
}
