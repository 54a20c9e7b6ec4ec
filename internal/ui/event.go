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
// must not be able to read as a part of the sentence; theProvider, where the
// title of the provider belongs.
const theApp, theProvider = "\x00", "\x01"

// kindWords says for each kind what happened.
var kindWords = map[audit.Kind]string{
	audit.RequestStarted:     theApp + " is using " + theProvider,
	audit.RequestEnded:       theApp + " used " + theProvider,
	audit.RequestDenied:      theApp + " was refused",
	audit.StringCreated:      "You made a pairing string",
	audit.StringRedeemed:     theApp + " redeemed a pairing string",
	audit.ConsentAsked:       theApp + " asked for access",
	audit.ConsentApproved:    "You approved " + theApp,
	audit.ConsentDenied:      "You denied " + theApp,
	audit.SessionCreated:     theApp + " signed in",
	audit.SessionRevoked:     "A session of " + theApp + " ended",
	audit.SessionKeyAdded:    theApp + " registered a new key",
	audit.SessionKeyRetired:  theApp + " changed over to its new key",
	audit.AppSuspended:       "You suspended " + theApp,
	audit.AppResumed:         "You resumed " + theApp,
	audit.AppRevoked:         "You revoked " + theApp,
	audit.GatewayFrozen:      "You froze everything",
	audit.GatewayThawed:      "You thawed everything",
	audit.GatewayStarted:     "The gateway started",
	audit.GatewayStopped:     "The gateway stopped",
	audit.VaultInitialized:   "You set up the vault",
	audit.VaultUnlocked:      "The vault was unlocked",
	audit.VaultLocked:        "The vault was locked",
	audit.VaultUnlockRefused: "Somebody tried to unlock the vault",
	audit.VaultSlotAdded:     "You added a way to unlock",
	audit.VaultSlotRemoved:   "You removed a way to unlock",
	audit.PassphraseChanged:  "You changed a passphrase",
	audit.BackupMade:         "A backup was made",
	audit.BackupFailed:       "A backup failed",
	audit.VaultRotated:       "You made a new root key",
	audit.HostKeyRotated:     "You made a new host key",
	audit.RestoreNoticed:     "An older database was put back",
	audit.RestoreAccepted:    "You accepted an older database",
	audit.VaultExported:      "You took all keys out in clear",
	audit.KeyAdded:           "You stored a key for " + theProvider,
	audit.KeyRemoved:         "You removed a key for " + theProvider,
	audit.KeyTested:          "You tested a key for " + theProvider,
	audit.KeyArranged:        "You changed when a key is used for " + theProvider,
	audit.ProviderAdded:      "You added the provider " + theProvider,
	audit.ProviderRemoved:    "You removed the provider " + theProvider,
	audit.AliasSet:           "You gave a model a name",
	audit.AliasRemoved:       "You removed a name of a model",
	audit.PriceSet:           "You set a price for " + theProvider,
	audit.PriceUnset:         "You took back a price for " + theProvider,
	audit.PricesRefreshed:    "You put newer prices in place",
	audit.PricesReset:        "You put the first prices back",
	audit.AlertDismissed:     "You dismissed an alert",
	audit.WebhookSet:         "You set where alerts are sent",
	audit.WebhookRemoved:     "You stopped sending alerts",
	audit.OwnerSignedIn:      "You signed in",
	audit.OwnerSignInRefused: "Somebody tried to sign in",
	audit.OwnerSignedOut:     "You signed out",
	audit.AuditRecovered:     "The audit log was repaired after a crash",
	audit.AuditUnreadable:    "A line of the audit log cannot be read",
}

// eventWords says what happened, with theApp for the name of an app. What is
// not listed shows as its kind.
func (u *UI) eventWords(e audit.Event) string {
	words, listed := kindWords[e.Kind]
	if !listed {
		return string(e.Kind)
	}
	if e.AppName == "" {
		words = strings.ReplaceAll(words, theApp, "An app")
	}
	provider := "a provider"
	if e.Resource != "" {
		provider = u.title(e.Resource)
	}
	return strings.ReplaceAll(words, theProvider, provider)
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
