package audit

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	// killDir makes this test binary a process that appends until it is killed.
	killDir = "KEYWICKET_AUDIT_KILL_DIR"
	// killRounds is how often it is killed, 5 when unset.
	killRounds = "KEYWICKET_AUDIT_KILLS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		appendForever(dir)
	}
	os.Exit(m.Run())
}

// appendForever prints each request id after its line was acknowledged.
func appendForever(dir string) {
	cfg := testConfig(dir)
	cfg.MaxBytes = 3000 // a new file every dozen lines
	l, err := New(cfg)
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("req_%d_%d_%d", os.Getpid(), w, i)
				if err := l.Append(Event{Kind: RequestStarted, RequestID: id}); err != nil {
					fmt.Println("failed", err)
					os.Exit(1)
				}
				_, _ = os.Stdout.WriteString(id + "\n")
			}
		})
	}
	wg.Wait()
}

func TestKillLosesNoAcknowledgedLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	rounds, err := strconv.Atoi(os.Getenv(killRounds))
	if err != nil {
		rounds = 5
	}
	for round := range rounds {
		acknowledged = append(acknowledged, killedAfter(t, dir, 50+rand.IntN(400))...)
		l := open(t, dir)
		if _, err := l.Verify(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		inFile := map[string]bool{}
		all, err := l.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if err := all.eachLine(func(_ string, raw []byte) error {
			inFile[l.chain.event(raw[:len(raw)-1]).RequestID] = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, id := range acknowledged {
			if !inFile[id] {
				t.Fatalf("round %d: %s was acknowledged and is not in the log", round, id)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killedAfter runs an appending process, kills it after so many lines, and
// returns every line that it acknowledged.
func killedAfter(t *testing.T, dir string, lines int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		if !strings.HasPrefix(scan.Text(), "req_") {
			t.Fatalf("child: %s", scan.Text())
		}
		if ids = append(ids, scan.Text()); len(ids) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(ids) < lines {
		t.Fatalf("child acknowledged %d lines, want %d", len(ids), lines)
	}
	return ids
}
