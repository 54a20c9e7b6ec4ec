package dpop

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// crashDir is set in the process that is going to be killed.
const crashDir = "KEYWICKET_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, acceptUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// acceptUntilKilled accepts proofs, dated now and ahead by turns, and prints each once it is accepted.
func acceptUntilKilled(dir string) error {
	replay, err := OpenReplay(ReplayConfig{Dir: dir})
	if err != nil {
		return err
	}
	verifier, err := NewVerifier(VerifierConfig{Replay: replay})
	if err != nil {
		return err
	}
	key, err := GenerateKey(Ed25519, nil)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		proof, err := key.Sign(Claims{Method: "POST", URL: testURL}, time.Now().Add(time.Duration(n%3)*5*time.Second))
		if err != nil {
			return err
		}
		_, err = verifier.Verify(Request{Headers: []string{proof}, Method: "POST", URL: testURL})
		if errors.Is(err, ErrReplayed) {
			continue // in the second of the restart proofs dated now cannot pass
		}
		if err != nil {
			return err
		}
		fmt.Println(proof)
	}
}

// TestKill kills a process with SIGKILL while it accepts proofs, several times over, and shows each proof it had
// accepted to the next one.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var accepted []string
	for range 3 {
		accepted = append(accepted, killAfter(t, dir, 500)...)
		replay, err := OpenReplay(ReplayConfig{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := NewVerifier(VerifierConfig{Replay: replay})
		if err != nil {
			t.Fatal(err)
		}
		for _, proof := range accepted {
			_, err := verifier.Verify(Request{Headers: []string{proof}, Method: "POST", URL: testURL})
			if !errors.Is(err, ErrReplayed) {
				t.Fatalf("a proof accepted before the kill: %v, want ErrReplayed", err)
			}
		}
		if err := replay.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter gives what a process has accepted until it was killed, at least count.
func killAfter(t *testing.T, dir string, count int) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var accepted []string
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 2*MaxProofBytes)
	for lines.Scan() {
		accepted = append(accepted, lines.Text())
		if len(accepted) == count {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = child.Wait() // killed, as it should be
	if len(accepted) < count {
		t.Fatalf("only %d proofs were accepted", len(accepted))
	}
	if last := accepted[len(accepted)-1]; len(last) < len(accepted[0])-10 {
		accepted = accepted[:len(accepted)-1] // a line cut off by the kill
	}
	return accepted
}
