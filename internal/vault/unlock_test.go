package vault

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

func TestInitRefusesWeakPassphrases(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, passphrase := range map[string]string{
		"empty":                "",
		"11 characters":        "elevenchars",
		"11 after composing":   "elevenchar" + "e\u0301",
		"one character":        strings.Repeat("a", 40),
		"four characters":      strings.Repeat("abcd", 10),
		"line break":           "seven silver foxes\n",
		"not UTF-8":            "seven silver foxes\xff",
		"more than a kibibyte": strings.Repeat("seven silver foxes", 60),
	} {
		err := h.Init([]byte(passphrase))
		var problem *PassphraseError
		if !errors.As(err, &problem) || !errors.Is(err, ErrWeakPassphrase) {
			t.Errorf("%s: %v", name, err)
		}
		if passphrase != "" && err != nil && strings.Contains(err.Error(), passphrase) {
			t.Errorf("%s: the error tells the passphrase", name)
		}
	}
	if h.Initialized() || h.derived.Load() != 0 {
		t.Error("a refused passphrase set the vault up, or was run through Argon2")
	}
}

func TestPassphraseIsNormalized(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	must(t, h.Init([]byte("caf\u00e9 \ufb01ve oranges")))
	must(t, h.VerifyFromConsole([]byte("cafe\u0301 five oranges")))
	is(t, h.VerifyFromConsole([]byte("cafe five oranges")), ErrWrongPassphrase)
}

func TestPassphraseIsNotAltered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mine := []byte(testPassphrase)
	must(t, h.Init(mine))
	must(t, h.Unlock(mine))
	if string(mine) != testPassphrase {
		t.Error("the caller's passphrase was overwritten")
	}
}

func TestDelayGrowsAndComputesNothing(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	h.Lock()
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		want *= time.Second
		is(t, h.UnlockFromConsole([]byte("a wrong passphrase")), ErrWrongPassphrase)
		derived := h.derived.Load()
		for name, attempt := range map[string]func([]byte) error{"UnlockFromConsole": h.UnlockFromConsole, "VerifyFromConsole": h.VerifyFromConsole} {
			var soon *TooSoonError
			if err := attempt([]byte(testPassphrase)); !errors.As(err, &soon) || soon.RetryAfter != want {
				t.Fatalf("after %d wrong ones %s gave %v, want a delay of %v", i+1, name, err, want)
			}
		}
		if h.derived.Load() != derived {
			t.Fatal("a refused attempt was run through Argon2")
		}
		if i%2 == 0 {
			h.restart() // the delay outlives the process
		}
		h.clock.advance(want - 1)
		if err := h.UnlockFromConsole([]byte(testPassphrase)); err == nil {
			t.Fatal("let in before the delay was over")
		}
		h.clock.advance(1)
	}
	must(t, h.VerifyFromConsole([]byte(testPassphrase)))
	is(t, h.UnlockFromConsole([]byte("a wrong passphrase")), ErrWrongPassphrase)
	var soon *TooSoonError
	if err := h.UnlockFromConsole([]byte(testPassphrase)); !errors.As(err, &soon) || soon.RetryAfter != time.Second {
		t.Errorf("the right passphrase did not reset the delay: %v", err)
	}
}

// A stranger who guesses at the sign-in page keeps no owner waiting at the local
// socket, before and after a restart; nor does it help with guessing there.
func TestDoorsHaveDelaysOfTheirOwn(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	h.Lock()
	is(t, h.VerifyFromConsole([]byte("a wrong passphrase")), ErrWrongPassphrase)
	var soon *TooSoonError
	if err := h.VerifyFromConsole([]byte(testPassphrase)); !errors.As(err, &soon) {
		t.Fatalf("the console's next attempt: %v", err)
	}
	must(t, h.Unlock([]byte(testPassphrase)))
	if err := h.VerifyFromConsole([]byte(testPassphrase)); !errors.As(err, &soon) {
		t.Errorf("the owner's unlock ended the console's delay: %v", err)
	}
	h.restart()
	if err := h.VerifyFromConsole([]byte(testPassphrase)); !errors.As(err, &soon) {
		t.Errorf("after a restart: %v", err)
	}
	must(t, h.Unlock([]byte(testPassphrase)))
	is(t, h.Unlock([]byte("a wrong passphrase")), ErrWrongPassphrase)
	if err := h.Unlock([]byte(testPassphrase)); !errors.As(err, &soon) {
		t.Errorf("the socket's next attempt: %v", err)
	}
}

func TestDelayWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	is(t, h.Unlock([]byte("a wrong passphrase")), ErrWrongPassphrase)
	h.clock.advance(-24 * time.Hour)
	var soon *TooSoonError
	if err := h.Unlock([]byte(testPassphrase)); !errors.As(err, &soon) || soon.RetryAfter > time.Second {
		t.Fatalf("delay with a clock set back: %v", err)
	}
	h.clock.advance(time.Second)
	must(t, h.Unlock([]byte(testPassphrase)))
}

func TestImpossiblePassphrasesComputeNothing(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	before := h.derived.Load()
	is(t, h.Unlock(nil), ErrWrongPassphrase)
	is(t, h.Unlock(make([]byte, 1<<20)), ErrWrongPassphrase)
	if h.derived.Load() != before {
		t.Error("ran Argon2")
	}
}

func TestOneAttemptAtATime(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	h.Lock()
	inside, goOn := make(chan struct{}), make(chan struct{})
	derive := h.derive
	h.derive = func(passphrase, salt []byte, cost Argon2Params) []byte {
		close(inside)
		<-goOn
		return derive(passphrase, salt, cost)
	}
	first := make(chan error, 1)
	go func() { first <- h.Unlock([]byte(testPassphrase)) }()
	<-inside
	var soon *TooSoonError
	if err := h.VerifyFromConsole([]byte(testPassphrase)); !errors.As(err, &soon) || soon.RetryAfter <= 0 {
		t.Errorf("second attempt: %v", err)
	}
	close(goOn)
	must(t, <-first)
}

func TestLockWinsOverAnUnlockUnderWay(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	h.Lock()
	derive := h.derive
	h.derive = func(passphrase, salt []byte, cost Argon2Params) []byte {
		h.Lock()
		return derive(passphrase, salt, cost)
	}
	is(t, h.Unlock([]byte(testPassphrase)), ErrLocked)
	if !h.Locked() {
		t.Error("the vault is unlocked")
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	slot, text, err := h.AddKeyFileSlot("")
	must(t, err)
	if slot.Kind != KeyFileSlot || slot.Label != "key file" || !strings.HasPrefix(string(text), "keywicket-key-1:") || len(text) != 60 {
		t.Errorf("made %+v and a file of %d bytes", slot, len(text))
	}
	_, other, err := h.AddKeyFileSlot("another")
	must(t, err)
	line := strings.TrimSuffix(string(text), "\n")

	h.restart()
	for _, form := range []string{string(text), line, line + "\r\n"} {
		must(t, h.UnlockWithKey([]byte(form)))
		h.Lock()
	}
	for name, wrong := range map[string]string{
		"empty":          "",
		"no mark":        strings.TrimPrefix(line, "keywicket-key-1:"),
		"other version":  strings.Replace(line, "-1:", "-2:", 1),
		"two lines":      line + "\n\n",
		"space":          line + " ",
		"padding":        line + "=",
		"short":          line[:len(line)-1],
		"break within":   line[:30] + "\n" + line[31:],
		"another secret": "keywicket-key-1:" + strings.Repeat("A", 43),
	} {
		if err := h.UnlockWithKey([]byte(wrong)); !errors.Is(err, ErrWrongKeyFile) {
			t.Errorf("%s: %v, want ErrWrongKeyFile", name, err)
		}
	}
	must(t, h.RemoveSlot(slot.ID))
	is(t, h.UnlockWithKey(text), ErrWrongKeyFile)
	must(t, h.UnlockWithKey(other))
	must(t, h.Unlock([]byte(testPassphrase)))
	if _, secret, err := h.Release("llm:openai"); err != nil || string(secret.Bytes()) != canary {
		t.Errorf("releasing after unlock by key file: %v", err)
	}
}

func TestSlotsAreKept(t *testing.T) {
	t.Parallel()
	h, _ := furnished(t)
	slots, err := h.Slots()
	must(t, err)
	if len(slots) != 1 || slots[0].Kind != PassphraseSlot {
		t.Fatalf("slots: %+v", slots)
	}
	is(t, h.RemoveSlot(slots[0].ID), ErrLastSlot)
	is(t, h.RemoveSlot("slot_none"), ErrNoSlot)
	for range maxSlots - 1 {
		_, _, err := h.AddKeyFileSlot("")
		must(t, err)
	}
	_, _, err = h.AddKeyFileSlot("")
	is(t, err, ErrTooMany)
	_, _, err = h.AddKeyFileSlot("a\nb")
	is(t, err, ErrInvalidCredential)
	h.restart()
	must(t, h.Unlock([]byte(testPassphrase)))
}

var errUnlocking = errors.New("found at unlock")

// plantRoot is what somebody can do who can write records: seal a root key of
// their own for the slot's public key.
func plantRoot(t *testing.T, r *slotRecord) {
	mine, err := newRoot(r.RootVersion)
	must(t, err)
	must(t, mine.wrapFor(r, make([]byte, pinBytes)))
}

// Whoever has the host key can write any record; the slots must not give way.
func TestAlteredSlots(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		alter func(r *slotRecord, other slotRecord)
		want  error // of New; nil: the passphrase no longer fits; errUnlocking: it does, and unlocking tells
	}{
		{"label", func(r *slotRecord, _ slotRecord) { r.Label = "x" }, nil},
		{"date", func(r *slotRecord, _ slotRecord) { r.CreatedAt = r.CreatedAt.Add(1) }, nil},
		{"salt", func(r *slotRecord, _ slotRecord) { r.Salt[0] ^= 1 }, nil},
		{"identity", func(r *slotRecord, _ slotRecord) { r.Identity[40] ^= 1 }, nil},
		{"identity of another slot", func(r *slotRecord, o slotRecord) { r.Identity = o.Identity }, nil},
		{"public key of another slot", func(r *slotRecord, o slotRecord) { r.Public = o.Public }, nil},
		{"root key", func(r *slotRecord, _ slotRecord) { r.Root[len(r.Root)-1] ^= 1 }, errUnlocking},
		{"root key of another slot", func(r *slotRecord, o slotRecord) { r.Root = o.Root }, errUnlocking},
		{"pin", func(r *slotRecord, _ slotRecord) { r.Pin[len(r.Pin)-1] ^= 1 }, errUnlocking},
		{"pin of another slot", func(r *slotRecord, o slotRecord) { r.Pin = o.Pin }, errUnlocking},
		{"root key of one's own", func(r *slotRecord, _ slotRecord) { plantRoot(t, r) }, errUnlocking},
		{"cheaper passes", func(r *slotRecord, _ slotRecord) { r.Cost.Passes++ }, nil},
		{"more memory than allowed", func(r *slotRecord, _ slotRecord) { r.Cost.MemoryKiB = 1<<20 + 1 }, ErrDamaged},
		{"no memory", func(r *slotRecord, _ slotRecord) { r.Cost.MemoryKiB = 0 }, ErrDamaged},
		{"endless passes", func(r *slotRecord, _ slotRecord) { r.Cost.Passes = 1 << 31 }, ErrDamaged},
		{"no threads", func(r *slotRecord, _ slotRecord) { r.Cost.Threads = 0 }, ErrDamaged},
		{"short salt", func(r *slotRecord, _ slotRecord) { r.Salt = r.Salt[:8] }, ErrDamaged},
		{"id", func(r *slotRecord, o slotRecord) { r.ID = o.ID }, ErrDamaged},
		{"kind", func(r *slotRecord, _ slotRecord) { r.Kind = KeyFileSlot }, ErrDamaged},
		{"unknown kind", func(r *slotRecord, _ slotRecord) { r.Kind = "passkey" }, ErrDamaged},
		{"newer format", func(r *slotRecord, _ slotRecord) { r.Format = 2 }, ErrDamaged},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h, _ := furnished(t)
			other, _, err := h.AddKeyFileSlot("other")
			must(t, err)
			must(t, h.store.Update(func(tx *store.Tx) error {
				all, err := slotRecords.All(tx)
				if err != nil {
					return err
				}
				for id, r := range all {
					if r.Kind == PassphraseSlot {
						row.alter(&r, all[other.ID])
						return slotRecords.Put(tx, id, r)
					}
				}
				return errors.New("no passphrase slot")
			}))
			v, err := New(Config{Store: h.store, Clock: h.clock.now, Argon2: cheap})
			if row.want == errUnlocking {
				must(t, err)
				is(t, v.Unlock([]byte(testPassphrase)), ErrDamaged)
				return
			}
			if row.want != nil {
				is(t, err, row.want)
				return
			}
			must(t, err)
			is(t, v.Unlock([]byte(testPassphrase)), ErrWrongPassphrase)
		})
	}
}
