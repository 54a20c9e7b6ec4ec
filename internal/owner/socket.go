package owner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	socketFile = "keywicket.sock"
	lockFile   = "keywicket.sock.lock"
	// birthDir is where a socket is born; it is shorter than socketFile, so
	// the path within fits wherever the final one does.
	birthDir = ".sock"

	probeTimeout = time.Second
)

// ListenSocket opens the socket for the owner's commands, dir/keywicket.sock,
// mode 0600. Connections of other accounts than ours and root are closed
// unheard. A socket left by a process that died is replaced; one that is in
// use is not. Closing the listener removes it.
// Errors: ErrSocketInUse, ErrSocketPath, wrapped, or the operating system's.
func ListenSocket(dir string) (net.Listener, error) {
	path := filepath.Join(dir, socketFile)
	if err := checkPath(path); err != nil {
		return nil, err
	}
	lock, err := lockSocket(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	listener, err := replaceSocket(dir, path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &socket{UnixListener: listener, path: path, lock: lock, peer: peerUID}, nil
}

func checkPath(path string) error {
	if most := len(unix.RawSockaddrUnix{}.Path) - 1; len(path) > most {
		return fmt.Errorf("%w (%s has %d bytes, %d are possible)", ErrSocketPath, path, len(path), most)
	}
	return nil
}

// lockSocket holds the right to the socket for as long as the process lives,
// however it ends. The file stays, because removing a lock file that somebody
// waits for would let two in.
func lockSocket(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening admin socket: %w", err)
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrSocketInUse
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// replaceSocket puts a new socket at path. It is bound inside a directory that
// only we can enter and moved out once its mode is set, so that it is never
// open to others; the umask belongs to the whole process and is left alone.
func replaceSocket(dir, path string) (*net.UnixListener, error) {
	if err := checkStale(path); err != nil {
		return nil, err
	}
	birth := filepath.Join(dir, birthDir)
	if err := os.RemoveAll(birth); err != nil {
		return nil, fmt.Errorf("opening admin socket: %w", err)
	}
	if err := os.Mkdir(birth, 0o700); err != nil {
		return nil, fmt.Errorf("opening admin socket: %w", err)
	}
	defer func() { _ = os.RemoveAll(birth) }() // the next start would do it
	born := filepath.Join(birth, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: born, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("opening admin socket: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(born, 0o600), os.Rename(born, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("opening admin socket: %w", err), listener.Close())
	}
	return listener, nil
}

// checkStale refuses to replace what answers, and what is not a socket.
func checkStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening admin socket: %w", err)
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("opening admin socket: %s is not a socket: move it away", path)
	}
	conn, err := net.DialTimeout("unix", path, probeTimeout)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		_ = conn.Close() // it only had to answer
	}
	return ErrSocketInUse
}

// socket admits the owner's connections.
type socket struct {
	*net.UnixListener
	path string
	peer func(*net.UnixConn) (uid int, err error)

	close sync.Once
	lock  *os.File
}

// Accept waits for the next connection of an account that may connect.
func (s *socket) Accept() (net.Conn, error) {
	for {
		conn, err := s.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := s.peer(conn); err == nil && admitted(uid, os.Geteuid()) {
			return conn, nil
		}
		_ = conn.Close() // a stranger
	}
}

func admitted(uid, own int) bool { return uid == own || uid == 0 }

// Close removes the socket and gives up the right to it, in that order.
func (s *socket) Close() (err error) {
	err = net.ErrClosed
	s.close.Do(func() {
		if err = os.Remove(s.path); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		err = errors.Join(err, s.UnixListener.Close(), s.lock.Close())
	})
	return err
}

// DialSocket connects to the gateway that runs on dir. It talks to no process
// but one of ours, of root's, or of the data directory's owner.
// Errors: ErrNoServer, ErrSocketPath, wrapped, or the operating system's.
func DialSocket(ctx context.Context, dir string) (net.Conn, error) {
	path := filepath.Join(dir, socketFile)
	if err := checkPath(path); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w (%s)", ErrNoServer, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the gateway: %w", err)
	}
	if err := checkServer(conn, dir); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// checkServer matters because passphrases go over this connection.
func checkServer(conn net.Conn, dir string) error {
	uid, err := peerUID(conn.(*net.UnixConn))
	if err != nil {
		return fmt.Errorf("connecting to the gateway: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("connecting to the gateway: %w", err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && uid == int(stat.Uid) || admitted(uid, os.Geteuid()) {
		return nil
	}
	return fmt.Errorf("connecting to the gateway: the process at %s belongs to another user", dir)
}
