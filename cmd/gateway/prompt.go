package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// maxSecret bounds what is read as a passphrase or provider key, in bytes.
const maxSecret = 16 << 10

// maxDocument bounds a policy file, in bytes.
const maxDocument = 512 << 10

// readPassphrase takes the passphrase from KEYWICKET_PASSPHRASE, from
// --passphrase-file or from the terminal, where it is asked for twice when
// confirm is set. It is never an argument: those are visible to every user of
// the machine.
func (g *gateway) readPassphrase(confirm bool) (string, error) {
	switch {
	case g.passphraseFile != "":
		data, err := g.readInput(g.passphraseFile, maxSecret)
		if err != nil {
			return "", err
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		return string(bytes.TrimSuffix(line, []byte("\r"))), nil
	case g.passphrase != "":
		return g.passphrase, nil
	case !g.interactive():
		return "", errors.New("no passphrase given; set KEYWICKET_PASSPHRASE, give --passphrase-file FILE, or run this in a terminal")
	}
	first, err := g.hidden("Passphrase: ")
	if err != nil || !confirm {
		return first, err
	}
	second, err := g.hidden("Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passphrases differ; run the command again")
	}
	return first, nil
}

// readNewPassphrase takes a new passphrase from KEYWICKET_NEW_PASSPHRASE, from
// --new-passphrase-file or, twice, from the terminal.
func (g *gateway) readNewPassphrase() (string, error) {
	if g.newPassphraseFile == "-" && g.passphraseFile == "-" {
		return "", usagef("both passphrases cannot come from stdin; put one of them into a file")
	}
	from := *g
	from.passphrase, from.passphraseFile = g.newPassphrase, g.newPassphraseFile
	if from.passphrase == "" && from.passphraseFile == "" && !g.interactive() {
		return "", errors.New("no new passphrase given; set KEYWICKET_NEW_PASSPHRASE, give --new-passphrase-file FILE, or run this in a terminal")
	}
	if g.interactive() {
		fmt.Fprintln(g.errs, "The new passphrase:")
	}
	return from.readPassphrase(true)
}

// readRecoveryCode takes a recovery code from a hidden prompt, or from stdin
// when that is not a terminal.
func (g *gateway) readRecoveryCode() (string, error) {
	code, err := g.readSecret("Recovery code: ")
	if err == nil && code == "" {
		err = errors.New("no recovery code was given; pipe it in, as in: gateway unlock --recovery-code <code.txt")
	}
	return code, err
}

// readSecret takes a provider key from a hidden prompt, or from stdin when
// that is not a terminal. Surrounding white space is cut.
func (g *gateway) readSecret(prompt string) (string, error) {
	if g.interactive() {
		secret, err := g.hidden(prompt)
		return string(bytes.TrimSpace([]byte(secret))), err
	}
	data, err := readBounded(g.in, maxSecret)
	if err != nil {
		return "", fmt.Errorf("reading it from stdin: %w", err)
	}
	return string(bytes.TrimSpace(data)), nil
}

// readInput reads a file, or stdin when name is "-".
func (g *gateway) readInput(name string, limit int64) ([]byte, error) {
	if name == "-" {
		data, err := readBounded(g.in, limit)
		if err != nil {
			return nil, fmt.Errorf("reading stdin: %w", err)
		}
		return data, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w; check the file name", err)
	}
	defer file.Close()
	data, err := readBounded(file, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("more than %d bytes; that cannot be right", limit)
	}
	return data, nil
}

// interactive reports whether stdin is a terminal someone can type at.
func (g *gateway) interactive() bool {
	file, ok := g.in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// onTerminal reports whether stdout is a terminal.
func (g *gateway) onTerminal() bool {
	file, ok := g.out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// hidden asks on the terminal without echo. The question goes to stderr, so
// that stdout stays clean for pipes.
func (g *gateway) hidden(prompt string) (string, error) {
	fmt.Fprint(g.errs, prompt)
	secret, err := term.ReadPassword(int(g.in.(*os.File).Fd()))
	fmt.Fprintln(g.errs)
	if err != nil {
		return "", fmt.Errorf("reading from the terminal: %w", err)
	}
	return string(secret), nil
}
