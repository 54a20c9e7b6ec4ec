package vault

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

func noCoreDumps() error {
	limit := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	// The limit does not stop a kernel that pipes core dumps to a program.
	dumpable := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	if err := errors.Join(limit, dumpable); err != nil {
		return fmt.Errorf("turning off core dumps: %w", err)
	}
	return nil
}

func coreDumpsOff() bool {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	var limit unix.Rlimit
	return err == nil && dumpable == 0 && unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil && limit.Max == 0
}
