package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine says in one line what was measured on, and how busy it was.
func machine() string {
	model := field("/proc/cpuinfo", "model name")
	if model == "" {
		model = runtime.GOARCH
	}
	text := fmt.Sprintf("%d cores (%s), %s", runtime.NumCPU(), model, runtime.GOOS)
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		text += " " + unix.ByteSliceToString(name.Release[:])
	}
	text += ", " + runtime.Version()
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		text += ", load at the start " + strings.Join(strings.Fields(string(load))[:1], " ")
	}
	return text + ", " + time.Now().Format("2 January 2006")
}

// residentBytes is the memory this process has of the machine.
func residentBytes() uint64 {
	text := strings.TrimSuffix(field("/proc/self/status", "VmRSS"), " kB")
	n, _ := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	return n << 10
}

// field is what follows a name and a colon in a file of /proc.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// commits is how many transactions the database in a directory has seen: the
// number of the last one stands in one of bbolt's two meta pages. Each commit
// syncs the disk.
func commits(dir string) uint64 {
	if dir == "" {
		return 0
	}
	f, err := os.Open(filepath.Join(dir, "keywicket.db"))
	if err != nil {
		return 0
	}
	defer f.Close()
	const headerBytes, txid = 16, 48 // bytes of the page's header, and the place behind it
	page, last := int64(os.Getpagesize()), uint64(0)
	for n := range int64(2) {
		var raw [8]byte
		if _, err := f.ReadAt(raw[:], n*page+headerBytes+txid); err == nil {
			last = max(last, binary.NativeEndian.Uint64(raw[:]))
		}
	}
	return last
}
