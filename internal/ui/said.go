package ui

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// outcome names a sentence about what was just done. Only the name travels,
// in a short-lived cookie: a link cannot put words on the owner's pages, and
// nothing that was typed comes back.
type outcome string

const (
	saidSetUp     outcome = "set-up"
	saidSignedOut outcome = "signed-out"
	saidUnlocked  outcome = "unlocked"
	saidThawed    outcome = "thawed"
	saidAccepted  outcome = "accepted"
	saidKeyAdded  outcome = "key-added"
	saidKeyGone   outcome = "key-removed"
	saidDraining  outcome = "key-draining"
	saidKeyUsed   outcome = "key-used-again"
	saidArranged  outcome = "key-arranged"
	saidNameSet   outcome = "name-set"
	saidNameGone  outcome = "name-removed"
	saidApproved  outcome = "approved"
	saidDenied    outcome = "denied"
	saidSuspended outcome = "suspended"
	saidResumed   outcome = "resumed"
	saidRevoked   outcome = "revoked"
	saidDismissed outcome = "dismissed"

	saidProviderSaved       outcome = "provider-saved"
	saidProviderGone        outcome = "provider-removed"
	saidSessionEnded        outcome = "session-ended"
	saidSignedOutEverywhere outcome = "signed-out-everywhere"
)

// sentence is the outcome in words; "" for an unknown name.
func (o outcome) sentence() string {
	switch o {
	case saidSetUp:
		return "The vault is set up and unlocked."
	case saidSignedOut:
		return "You are signed out. The gateway keeps running."
	case saidSignedOutEverywhere:
		return "Every browser is signed out. The gateway keeps running."
	case saidUnlocked:
		return "The vault is unlocked."
	case saidAccepted:
		return "Accepted. Apps are served again."
	case saidThawed:
		return "Thawed. Apps can work again."
	case saidKeyAdded:
		return "The key is stored."
	case saidKeyGone:
		return "The key is removed."
	case saidDraining:
		return "Draining. New requests use other keys; running ones go on."
	case saidKeyUsed:
		return "The key is used again."
	case saidArranged:
		return "The order is changed."
	case saidNameSet:
		return "The name is set."
	case saidNameGone:
		return "The name is removed."
	case saidProviderSaved:
		return "The provider is stored."
	case saidProviderGone:
		return "The provider is removed. What ran through it was cut."
	case saidApproved:
		return "Approved. The app can start working."
	case saidDenied:
		return "Denied. The app has been told."
	case saidSuspended:
		return "Suspended. Running requests were cut."
	case saidResumed:
		return "Resumed. The app can work again."
	case saidDismissed:
		return "Dismissed."
	case saidSessionEnded:
		return "The session is over. Its running requests were cut."
	case saidRevoked:
		return "Revoked for good. Running requests were cut."
	}
	return ""
}

const saidCookie = "keywicket-said"

// say leaves a sentence for the next page.
func (u *UI) say(c echo.Context, what outcome) {
	c.SetCookie(u.saidCookie(string(what), 60))
}

// said takes the sentence that was left for this page, "" for none.
func (u *UI) said(c echo.Context) string {
	cookie, err := c.Cookie(saidCookie)
	if err != nil {
		return ""
	}
	c.SetCookie(u.saidCookie("", -1))
	return outcome(cookie.Value).sentence()
}

func (u *UI) saidCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: saidCookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: u.secure(), SameSite: http.SameSiteStrictMode,
	}
}
