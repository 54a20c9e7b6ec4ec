//go:build unix

package vault

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// coreDir makes this test binary a process that crashes with core dumps off.
const coreDir = "KEYWICKET_VAULT_CORE_DIR"

func withoutCoreDumps() int {
	var limit syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_CORE, &limit)
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: limit.Max, Max: limit.Max})
	if CoreDumpsOff() {
		fmt.Println("off before they were turned off")
		return 3
	}
	if err := NoCoreDumps(); err != nil || !CoreDumpsOff() {
		fmt.Println("still on:", err)
		return 3
	}
	fmt.Println("off")
	panic("crash")
}

func TestNoCoreDumps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), coreDir+"="+dir, "GOTRACEBACK=crash")
	out, err := cmd.Output()
	if strings.TrimSpace(string(out)) != "off" {
		t.Fatalf("child: %s, %v", out, err)
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.CoreDump() {
		t.Errorf("ended with %v", cmd.ProcessState)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}
