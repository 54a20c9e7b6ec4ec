package audit

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// killDir makes this test binary a process that appends until it is killed.
const killDir = "KEYWICKET_AUDIT_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		appendForever(dir)
	}
	os.Exit(m.Run())
}

// appendForever prints each request id after its line was acknowledged.
func appendForever(dir string) {
	l, err := New(testConfig(dir))
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
	for round := range 5 {
		acknowledged = append(acknowledged, killedAfter(t, dir, 50+100*round)...)
		l := open(t, dir)
		if _, err := l.Verify(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		inFile := map[string]bool{}
		if err := l.eachLine(l.size, func(raw []byte) error {
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
