package vault

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRecoveryCodeLooks(t *testing.T) {
	t.Parallel()
	secret := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}
	code := string(formatRecoveryCode(secret))
	if len(code) != 34 || strings.Count(code, "-") != 6 || !strings.HasPrefix(code, "000G-40R4-") {
		t.Fatalf("the code is %q", code)
	}
	plain := strings.ReplaceAll(code, "-", "")
	for name, form := range map[string]string{
		"as shown":         code,
		"small letters":    strings.ToLower(code),
		"without dashes":   plain,
		"with spaces":      strings.ReplaceAll(code, "-", " ") + "\n",
		"dashes elsewhere": plain[:9] + "--" + plain[9:],
		"O for 0":          strings.ReplaceAll(code, "0", "O"),
		"o for 0":          strings.ReplaceAll(code, "0", "o"),
		"l for 1":          strings.ReplaceAll(code, "1", "l"),
		"I for 1":          strings.ReplaceAll(code, "1", "I"),
	} {
		got, err := parseRecoveryCode([]byte(form))
		if err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestRecoveryCodeFindsMistakes(t *testing.T) {
	t.Parallel()
	secret := []byte("0123456789abcdef")
	code := strings.ReplaceAll(string(formatRecoveryCode(secret)), "-", "")
	refused := func(what, typed string) {
		t.Helper()
		if got, err := parseRecoveryCode([]byte(typed)); !errors.Is(err, ErrMistypedCode) {
			t.Errorf("%s %q: %x, %v", what, typed, got, err)
		}
	}
	refused("empty", "")
	refused("short", code[1:])
	refused("long", code+"0")
	refused("endless", strings.Repeat(code, 10000))
	refused("letter U", "U"+code[1:])
	refused("not ASCII", "é"+code[1:])
	for i := range code { // every single wrong character
		for _, c := range crockford {
			if byte(c) != code[i] {
				refused("one wrong", code[:i]+string(c)+code[i+1:])
			}
		}
	}
	for i := range code { // every two that changed places
		for j := range i {
			if code[i] != code[j] {
				b := []byte(code)
				b[i], b[j] = b[j], b[i]
				refused("two swapped", string(b))
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 { // two wrong ones
		b := []byte(code)
		i, j := rng.IntN(len(b)), rng.IntN(len(b))
		b[i], b[j] = crockford[rng.IntN(32)], crockford[rng.IntN(32)]
		if string(b) != code {
			refused("two wrong", string(b))
		}
	}
}

func TestRecoveryCodeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), recoveryBytes, recoveryBytes).Draw(t, "secret")
		got, err := parseRecoveryCode(formatRecoveryCode(secret))
		if err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%x came back as %x, %v", secret, got, err)
		}
	})
}

func TestUnlockWithRecoveryCode(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	slot, code, err := h.AddRecoveryCode("")
	must(t, err)
	if slot.Kind != RecoverySlot || slot.Label != "recovery code" {
		t.Errorf("made %+v", slot)
	}
	h.restart()
	derived := h.derived.Load()
	mistyped := bytes.Clone(code)
	mistyped[0] = crockford[(strings.IndexByte(crockford, code[0])+1)%32]
	is(t, h.UnlockWithRecoveryCode(mistyped), ErrMistypedCode)
	is(t, h.UnlockWithRecoveryCode(formatRecoveryCode(make([]byte, recoveryBytes))), ErrWrongRecoveryCode)
	must(t, h.UnlockWithRecoveryCode(bytes.ToLower(code)))
	if h.derived.Load() != derived {
		t.Error("a recovery code was run through Argon2")
	}
	if _, secret, err := h.Release("llm:openai"); err != nil || string(secret.Bytes()) != canary {
		t.Errorf("releasing after unlock by recovery code: %v", err)
	}

	// Somebody who lost the passphrase sets another and takes the old one away.
	must(t, h.RemoveSlot(h.slot(PassphraseSlot).ID))
	is(t, h.RemoveSlot(slot.ID), ErrLastSlot)
	is(t, h.Unlock([]byte(testPassphrase)), ErrWrongPassphrase)
	added, err := h.AddPassphraseSlot("", []byte("nine golden badgers"))
	must(t, err)
	must(t, h.RemoveSlot(slot.ID))
	is(t, h.RemoveSlot(added.ID), ErrLastSlot)
	is(t, h.UnlockWithRecoveryCode(code), ErrWrongRecoveryCode)
	h.restart()
	h.clock.advance(maxDelay)
	must(t, h.Unlock([]byte("nine golden badgers")))
}

func FuzzRecoveryCode(f *testing.F) {
	f.Fuzz(func(t *testing.T, typed []byte) {
		secret, err := parseRecoveryCode(typed)
		if err != nil {
			if secret != nil || !errors.Is(err, ErrMistypedCode) {
				t.Fatalf("%x, %v", secret, err)
			}
			return
		}
		if again, err := parseRecoveryCode(formatRecoveryCode(secret)); err != nil || !bytes.Equal(again, secret) {
			t.Fatalf("%q was read as %x, which is not read back: %v", typed, secret, err)
		}
	})
}
