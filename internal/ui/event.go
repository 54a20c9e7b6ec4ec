package ui

import (
	"slices"
	"strings"

	"github.com/keywicket/keywicket/internal/audit"
)

// eventViews puts events into words, newest first. A request that has ended
// is one line, not two.
func (u *UI) eventViews(events []audit.Event, keep func(audit.Event) bool) []eventView {
	ended := map[string]bool{}
	for _, e := range events {
		if e.Kind == audit.RequestEnded {
			ended[e.RequestID] = true
		}
	}
	var views []eventView
	for _, e := range slices.Backward(events) {
		if e.Kind == audit.RequestStarted && ended[e.RequestID] || keep != nil && !keep(e) {
			continue
		}
		views = append(views, u.eventView(e))
	}
	return views
}

// Kinds of events that concern the vault as a whole.
const (
	slotAdded         audit.Kind = "vault.slot_added"
	slotRemoved       audit.Kind = "vault.slot_removed"
	passphraseChanged audit.Kind = "vault.passphrase_changed"
	backupMade        audit.Kind = "backup.made"
	rootRotated       audit.Kind = "vault.rotated"
	hostRotated       audit.Kind = "host_key.rotated"
	restoreAccepted   audit.Kind = "restore.accepted"
	exported          audit.Kind = "vault.exported"
)

func (u *UI) eventView(e audit.Event) eventView {
	before, after, named := strings.Cut(u.eventWords(e), theApp)
	v := eventView{
		At: u.at(e.Time), Words: strings.TrimSpace(before), After: strings.TrimSpace(after), Detail: eventDetail(e),
		Code: e.Code, Tone: eventTone(e), Ref: e.RequestID,
	}
	if named {
		v.App = e.AppName
	}
	var figures []string
	if e.Usage != nil {
		figures = append(figures, count(e.Usage.InputTokens+e.Usage.OutputTokens, "token"))
	}
	if e.LatencyMS > 0 {
		figures = append(figures, number(e.LatencyMS)+" ms")
	}
	v.Figure = strings.Join(figures, " · ")
	return v
}

// theApp stands where the app's name belongs, which is the app's own text and
// must not be able to read as a part of the sentence.
const theApp = "\x00"

// eventWords says what happened, with theApp for the name of an app. What is
// not listed shows as its kind.
func (u *UI) eventWords(e audit.Event) string {
	app := theApp
	if e.AppName == "" {
		app = "An app"
	}
	resource := "a provider"
	if e.Resource != "" {
		resource = u.title(e.Resource)
	}
	switch e.Kind {
	case audit.RequestStarted:
		return app + " is using " + resource
	case audit.RequestEnded:
		return app + " used " + resource
	case audit.RequestDenied:
		return app + " was refused"
	case audit.StringCreated:
		return "You made a pairing string"
	case audit.StringRedeemed:
		return app + " redeemed a pairing string"
	case audit.ConsentAsked:
		return app + " asked for access"
	case audit.ConsentApproved:
		return "You approved " + app
	case audit.ConsentDenied:
		return "You denied " + app
	case audit.SessionCreated:
		return app + " signed in"
	case audit.SessionRevoked:
		return "A session of " + app + " ended"
	case audit.SessionKeyAdded:
		return app + " registered a new key"
	case audit.SessionKeyRetired:
		return app + " changed over to its new key"
	case audit.AppSuspended:
		return "You suspended " + app
	case audit.AppResumed:
		return "You resumed " + app
	case audit.AppRevoked:
		return "You revoked " + app
	case audit.GatewayFrozen:
		return "You froze everything"
	case audit.GatewayThawed:
		return "You thawed everything"
	case audit.GatewayStarted:
		return "The gateway started"
	case audit.GatewayStopped:
		return "The gateway stopped"
	case audit.VaultInitialized:
		return "You set up the vault"
	case audit.VaultUnlocked:
		return "The vault was unlocked"
	case audit.VaultLocked:
		return "The vault was locked"
	case audit.VaultUnlockRefused:
		return "Somebody tried to unlock the vault"
	case slotAdded:
		return "You added a way to unlock"
	case slotRemoved:
		return "You removed a way to unlock"
	case passphraseChanged:
		return "You changed a passphrase"
	case backupMade:
		return "A backup was made"
	case rootRotated:
		return "You made a new root key"
	case hostRotated:
		return "You made a new host key"
	case restoreAccepted:
		return "You accepted an older database"
	case exported:
		return "You took all keys out in clear"
	case audit.KeyAdded:
		return "You stored a key for " + resource
	case audit.KeyRemoved:
		return "You removed a key for " + resource
	case audit.KeyTested:
		return "You tested a key for " + resource
	case audit.OwnerSignedIn:
		return "You signed in"
	case audit.OwnerSignInRefused:
		return "Somebody tried to sign in"
	case audit.OwnerSignedOut:
		return "You signed out"
	case audit.AuditRecovered:
		return "The audit log was repaired after a crash"
	case audit.AuditUnreadable:
		return "A line of the audit log cannot be read"
	}
	return string(e.Kind)
}

func eventDetail(e audit.Event) string {
	var parts []string
	for _, part := range []string{e.Resource, e.Action, e.Model, e.Detail, e.Address} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " · ")
}

// isDenial says whether an event is a refusal.
func isDenial(k audit.Kind) bool {
	switch k {
	case audit.RequestDenied, audit.ConsentDenied, audit.VaultUnlockRefused, audit.OwnerSignInRefused, audit.AuditUnreadable:
		return true
	}
	return false
}

func eventTone(e audit.Event) string {
	switch e.Kind {
	case audit.AppRevoked, audit.AppSuspended, audit.GatewayFrozen, audit.VaultLocked, audit.AuditRecovered, audit.KeyRemoved:
		return "warn"
	case audit.ConsentApproved, audit.AppResumed, audit.GatewayThawed, audit.VaultUnlocked, audit.RequestEnded:
		if e.Code != "" || e.Status >= 400 {
			return "warn"
		}
		return "good"
	}
	if isDenial(e.Kind) {
		return "bad"
	}
	return ""
}
