package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keywicket/keywicket/internal/admin"
)

// terminal is a pseudo-terminal: what a person types into keyboard the program
// reads from screen.
type terminal struct{ keyboard, screen *os.File }

func openTerminal(t *testing.T) terminal {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return terminal{keyboard, screen}
}

// typeUnseen waits until the terminal shows no echo, and types.
func (p terminal) typeUnseen(t *testing.T, line string) {
	t.Helper()
	if err := eventually(t.Context(), func() (bool, error) {
		state, err := unix.IoctlGetTermios(int(p.screen.Fd()), unix.TCGETS)
		return err == nil && state.Lflag&unix.ECHO == 0, err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.keyboard.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}

// shown is what the terminal has shown so far. What is written to a terminal
// comes out of it in pieces and a moment later, so it is read up to a mark.
func (p terminal) shown(t *testing.T) string {
	t.Helper()
	const mark = "(that was all)"
	if _, err := p.screen.WriteString(mark); err != nil {
		t.Fatal(err)
	}
	var shown []byte
	if err := eventually(t.Context(), func() (bool, error) {
		piece := make([]byte, 4<<10)
		n, err := unix.Read(int(p.keyboard.Fd()), piece)
		shown = append(shown, piece[:max(n, 0)]...)
		return bytes.HasSuffix(shown, []byte(mark)), ignore(err, unix.EAGAIN)
	}); err != nil {
		t.Fatal(err)
	}
	return string(shown)
}

// TestHiddenPrompt: what is typed as a secret does not appear.
func TestHiddenPrompt(t *testing.T) {
	t.Parallel()
	p := openTerminal(t)
	g, _, _ := newRun(nil)
	g.in, g.errs = p.screen, p.screen
	type answer struct {
		secret string
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		secret, err := g.readSecret("Key: ")
		answered <- answer{secret, err}
	}()
	p.typeUnseen(t, "  sk-canary-1234 ")
	if got := <-answered; got.err != nil || got.secret != "sk-canary-1234" {
		t.Errorf("read %q, %v", got.secret, got.err)
	}
	if shown := p.shown(t); strings.Contains(shown, "canary") || !strings.Contains(shown, "Key: ") {
		t.Errorf("the terminal showed %q", shown)
	}
}

// TestPairAtTerminal: people get a code to scan and what the string means;
// pipes get the string alone.
func TestPairAtTerminal(t *testing.T) {
	t.Parallel()
	p := openTerminal(t)
	made := admin.PairOutput{PairingString: "pair::https://keys.example.com::abc", ExpiresAt: time.Now(), DefaultedEnd: true}
	g, out, _ := newRun(nil)
	g.showString(made)
	if out.String() != made.PairingString+"\n" {
		t.Errorf("a pipe got %q", out.String())
	}
	g.out = p.screen
	g.showString(made)
	shown := p.shown(t)
	for _, want := range []string{"█", made.PairingString, "It works once", "30 days"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the terminal did not show %q:\n%s", want, shown)
		}
	}
}

// TestSecretsAreBounded: a file that cannot be a passphrase is refused before
// it is held in memory.
func TestSecretsAreBounded(t *testing.T) {
	t.Parallel()
	g, _, _ := newRun(nil)
	g.in = bytes.NewReader(make([]byte, maxSecret+1))
	if _, err := g.readSecret("Key: "); err == nil || !strings.Contains(err.Error(), "cannot be right") {
		t.Errorf("got %v", err)
	}
	g.passphraseFile, g.in = "-", strings.NewReader("first line\r\nsecond line\n")
	if passphrase, err := g.readPassphrase(true); err != nil || passphrase != "first line" {
		t.Errorf("read %q, %v", passphrase, err)
	}
}
