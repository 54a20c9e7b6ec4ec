//go:build unix

package vault

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

const (
	// killDir makes this test binary a process that rotates until it is killed.
	killDir = "KEYWICKET_VAULT_KILL_DIR"
	// killRounds is how often it is killed, 6 when unset.
	killRounds = "KEYWICKET_VAULT_KILLS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		fmt.Println("failed", rotateForever(dir))
		os.Exit(1)
	}
	if os.Getenv(coreDir) != "" {
		os.Exit(withoutCoreDumps())
	}
	os.Exit(m.Run())
}

// rotateForever tells each rotation and each new key after it was acknowledged.
func rotateForever(dir string) error {
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	v, err := New(Config{Store: s, Argon2: cheap})
	if err != nil {
		return err
	}
	if err := v.Unlock([]byte(testPassphrase)); err != nil {
		return err
	}
	fmt.Println("rotated", v.RootVersion())
	for {
		label := fmt.Sprint("n", time.Now().UnixNano())
		if _, err := v.AddCredential(NewCredential{Resource: "llm:groq", Label: label, Secret: NewSecret([]byte(canary))}); err != nil {
			return err
		}
		fmt.Println("added", label)
		if err := v.Rotate(context.Background()); err != nil {
			return err
		}
		fmt.Println("rotated", v.RootVersion())
	}
}

// Killed at any moment, the vault is as it was before the rotation under way
// or as it is after it, and every way in and every key still opens.
func TestKilledWhileRotating(t *testing.T) {
	t.Parallel()
	rounds, err := strconv.Atoi(os.Getenv(killRounds))
	if err != nil {
		rounds = 6
	}
	h, _ := furnished(t)
	for i := range 20 {
		h.add("llm:openai", fmt.Sprint("key ", i), "", canary)
	}
	_, code, err := h.AddRecoveryCode("")
	must(t, err)
	acknowledged := map[string]bool{"work": true}
	for round := range rounds {
		must(t, h.store.Close())
		version := int64(0)
		for _, line := range killedSometime(t, h.dir) {
			what, name, _ := strings.Cut(line, " ")
			switch what {
			case "rotated":
				version, err = strconv.ParseInt(name, 10, 64)
				must(t, err)
			case "added":
				acknowledged[name] = true
			default:
				t.Fatalf("child: %s", line)
			}
		}
		h.start()
		if got := h.RootVersion(); got < version || got > version+1 {
			t.Fatalf("round %d: version %d after version %d was acknowledged", round, got, version)
		}
		unlock := []func() error{
			func() error { return h.Unlock([]byte(testPassphrase)) },
			func() error { return h.UnlockWithRecoveryCode(code) },
		}
		must(t, unlock[round%2]())
		list, err := h.Credentials()
		must(t, err)
		allOpen(t, h, len(list))
		there := map[string]bool{}
		for _, c := range list {
			there[c.Label] = true
		}
		for label := range acknowledged {
			if !there[label] {
				t.Fatalf("round %d: key %s was acknowledged and is gone", round, label)
			}
		}
	}
}

// killedSometime runs the child, kills it at a random moment after it began to
// rotate, and returns all that it said.
func killedSometime(t *testing.T, dir string) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var said []string
	for scan := bufio.NewScanner(out); scan.Scan(); said = append(said, scan.Text()) {
		if len(said) == 0 {
			time.AfterFunc(time.Duration(rand.Int64N(int64(60*time.Millisecond))), func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // it was killed
	if len(said) == 0 {
		t.Fatal("the child said nothing")
	}
	return said
}
