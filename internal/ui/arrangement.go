package ui

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/vault"
)

// drainKey is POST /keys/:id/drain.
func (u *UI) drainKey(c echo.Context) error {
	return u.arrange(c, saidDraining, func(a *vault.Arrangement) error { a.Draining = true; return nil })
}

// useKey is POST /keys/:id/use: it ends the draining.
func (u *UI) useKey(c echo.Context) error {
	return u.arrange(c, saidKeyUsed, func(a *vault.Arrangement) error { a.Draining = false; return nil })
}

// arrangeKey is POST /keys/:id/arrange.
func (u *UI) arrangeKey(c echo.Context) error {
	return u.arrange(c, saidArranged, func(a *vault.Arrangement) error {
		order, err := arrangementOf(posted(c, "rank"), posted(c, "weight"))
		a.Rank, a.Weight = order.Rank, order.Weight
		return err
	})
}

// arrange changes when a key is used. It works while the vault is locked.
func (u *UI) arrange(c echo.Context, said outcome, change func(*vault.Arrangement) error) error {
	key, err := u.key(c)
	if err != nil {
		return err
	}
	order := key.Arrangement
	if err = change(&order); err == nil {
		key, err = u.cfg.Vault.Arrange(key.ID, order)
	}
	if wrong, ok := errors.AsType[*vault.CredentialError](err); ok {
		return u.keysPage(c, http.StatusUnprocessableEntity, keysView{Wrong: "Not changed. The " + wrong.Field + ": " + wrong.Problem + "."})
	}
	if err != nil {
		return err
	}
	if err := u.recordKey(c, audit.KeyArranged, key, key.Words()); err != nil {
		return notRecorded(err)
	}
	return u.done(c, said, "/keys")
}

// arrangementOf reads a rank and a weight; an empty one is the default. Error:
// *vault.CredentialError.
func arrangementOf(rank, weight string) (a vault.Arrangement, err error) {
	if a.Rank, err = strconv.Atoi(strings.TrimSpace(rank)); err != nil && rank != "" {
		return a, &vault.CredentialError{Field: "rank", Problem: "it must be a whole number"}
	}
	if a.Weight, err = strconv.Atoi(strings.TrimSpace(weight)); err != nil && weight != "" {
		return a, &vault.CredentialError{Field: "weight", Problem: "it must be a whole number"}
	}
	return a, nil
}

// healthOf puts into words how a key fares.
func (u *UI) healthOf(key vault.Credential, all map[string]vault.Health) (v healthView) {
	h, used := all[key.ID]
	switch {
	case key.Draining && all != nil && h.InUse == 0:
		v.State, v.Words = "Drained", []string{"No longer in use: it can be removed."}
	case key.Draining:
		v.State, v.Tone = "Draining", "warn"
	case h.State == "resting":
		v.State, v.Tone = "Resting", "warn"
		v.Words = []string{"Not tried until " + u.at(h.Until).Words + ": " + h.Why + "."}
	case h.State == "trying":
		v.State, v.Tone = "Resting", "warn"
		v.Words = []string{"The next request finds out whether it works again: " + h.Why + "."}
	case used && h.InUse > 0:
		v.State, v.Tone = "In use", "good"
	}
	if !used {
		return v
	}
	if h.SlowModels > 0 {
		v.Words = append(v.Words, "Rests for "+count(int64(h.SlowModels), "model")+": told to slow down.")
	}
	if h.Apps > 0 && h.State == "ok" {
		v.Words = append(v.Words, "Rests for "+count(int64(h.Apps), "app")+" that met failures, or no credit; it serves the others.")
	}
	words := number(int64(h.InUse)) + " now, " + count(h.Requests, "request") + " since the gateway was started"
	if h.Failed > 0 {
		words += ", of which " + number(h.Failed) + " failed (" + h.LastFailure + ")"
	}
	v.Words = append(v.Words, words+".")
	return v
}
