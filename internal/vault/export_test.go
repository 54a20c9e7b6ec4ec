package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestExport(t *testing.T) {
	t.Parallel()
	h, first := furnished(t)
	second := h.add("mail:resend", "mail", "", "re_second")
	_, err := h.Export([]byte("a wrong passphrase"))
	is(t, err, ErrWrongPassphrase)
	var soon *TooSoonError
	if _, err := h.Export([]byte(testPassphrase)); !errors.As(err, &soon) {
		t.Fatalf("after a wrong passphrase: %v, want a delay", err)
	}
	h.clock.advance(maxDelay)
	must(t, h.Rotate(t.Context()))
	h.restart() // it works while locked
	all, err := h.Export([]byte(testPassphrase))
	must(t, err)
	if len(all) != 2 || !same(all[0].Credential, first) || string(all[0].Secret.Bytes()) != canary ||
		!same(all[1].Credential, second) || string(all[1].Secret.Bytes()) != "re_second" {
		t.Errorf("exported %+v", all)
	}
	if !h.Locked() {
		t.Error("exporting unlocked the vault")
	}
	text, err := json.Marshal(all)
	must(t, err)
	if shown := string(text) + fmt.Sprintf("%v %+v %#v", all, all, all); strings.Contains(shown, canary) {
		t.Error("printing an export shows its keys")
	}
}
