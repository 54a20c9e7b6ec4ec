package owner

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// socketDir makes this test binary a process that holds the socket until it
// is killed.
const socketDir = "KEYWICKET_OWNER_SOCKET_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(socketDir); dir != "" {
		_, err := ListenSocket(dir)
		fmt.Println("listening", err)
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func listen(t *testing.T, dir string) net.Listener {
	t.Helper()
	l, err := ListenSocket(dir)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// shortDir is a directory whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kw")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestSocketCarriesBytes(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	l := listen(t, dir)
	info, err := os.Lstat(filepath.Join(dir, socketFile))
	must(t, err)
	if info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("mode is %v", info.Mode())
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "hello")
		_ = conn.Close()
	}()
	conn, err := DialSocket(t.Context(), dir)
	must(t, err)
	defer conn.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 2 {
		t.Errorf("the directory holds %v, want the socket and its lock", entries)
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	_, err := DialSocket(t.Context(), dir)
	is(t, err, ErrNoServer)
	_, err = DialSocket(t.Context(), filepath.Join(dir, "absent"))
	is(t, err, ErrNoServer)

	l := listen(t, dir)
	must(t, l.Close())
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, socketFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close the socket is still there: %v", err)
	}
	_, err = DialSocket(t.Context(), dir)
	is(t, err, ErrNoServer)
}

func TestSocketInUseIsNotTaken(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	path := filepath.Join(dir, socketFile)
	first := listen(t, dir)
	_, err := ListenSocket(dir)
	is(t, err, ErrSocketInUse)
	// Even when its socket is out of sight, its right to it holds.
	must(t, os.Rename(path, path+".away"))
	_, err = ListenSocket(dir)
	is(t, err, ErrSocketInUse)
	must(t, os.Rename(path+".away", path))
	// Even when the lock file is gone, what answers is left alone.
	must(t, os.Remove(filepath.Join(dir, lockFile)))
	_, err = ListenSocket(dir)
	is(t, err, ErrSocketInUse)
	conn, err := DialSocket(t.Context(), dir)
	must(t, err)
	must(t, conn.Close())
	must(t, first.Close())
	must(t, listen(t, dir).Close())
}

func TestSocketOfADeadProcessIsReplaced(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), socketDir+"="+dir)
	in, err := cmd.StdinPipe()
	must(t, err)
	defer in.Close()
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "listening <nil>\n" {
		t.Fatalf("child: %q, %v", line, err)
	}
	_, err = ListenSocket(dir)
	is(t, err, ErrSocketInUse)
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed

	if _, err := os.Lstat(filepath.Join(dir, socketFile)); err != nil {
		t.Fatalf("the dead process left no socket: %v", err)
	}
	_, err = DialSocket(t.Context(), dir)
	is(t, err, ErrNoServer)
	must(t, os.Mkdir(filepath.Join(dir, birthDir), 0o700)) // left behind too
	listen(t, dir)
	conn, err := DialSocket(t.Context(), dir)
	must(t, err)
	must(t, conn.Close())
}

func TestWhatIsNoSocketIsNotReplaced(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	path := filepath.Join(dir, socketFile)
	must(t, os.WriteFile(path, []byte("precious"), 0o600))
	if _, err := ListenSocket(dir); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("ListenSocket: %v", err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "precious" {
		t.Errorf("the file became %q, %v", raw, err)
	}
}

func TestSocketPathLength(t *testing.T) {
	t.Parallel()
	base := shortDir(t)
	// A socket's path has at most 107 bytes on Linux and 103 elsewhere.
	fits := filepath.Join(base, strings.Repeat("a", 103-len(base)-2-len(socketFile)))
	must(t, os.Mkdir(fits, 0o700))
	listen(t, fits)
	conn, err := DialSocket(t.Context(), fits)
	must(t, err)
	must(t, conn.Close())

	long := filepath.Join(base, strings.Repeat("a", 110))
	must(t, os.Mkdir(long, 0o700))
	_, err = ListenSocket(long)
	is(t, err, ErrSocketPath)
	_, err = DialSocket(t.Context(), long)
	is(t, err, ErrSocketPath)
}

func TestStrangersAreClosedUnheard(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		uid, own int
		want     bool
	}{{1000, 1000, true}, {0, 1000, true}, {0, 0, true}, {1001, 1000, false}, {1000, 0, false}, {-1, 1000, false}} {
		if got := admitted(row.uid, row.own); got != row.want {
			t.Errorf("uid %d at a socket of %d: %v", row.uid, row.own, got)
		}
	}

	dir := shortDir(t)
	l := listen(t, dir).(*socket)
	var asked atomic.Int32
	l.peer = func(conn *net.UnixConn) (int, error) {
		switch asked.Add(1) {
		case 1:
			return os.Geteuid() + 1, nil
		case 2:
			return 0, syscall.EIO // no answer is no
		}
		return peerUID(conn)
	}
	accepted := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
		accepted <- err
	}()
	for i, want := range []string{"", "", "hello"} {
		conn, err := DialSocket(t.Context(), dir)
		must(t, err)
		if got, err := io.ReadAll(conn); err != nil || string(got) != want {
			t.Errorf("connection %d read %q, %v; want %q", i+1, got, err, want)
		}
		must(t, conn.Close())
	}
	must(t, <-accepted)
}
