//go:build unix && !linux

package vault

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func noCoreDumps() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("turning off core dumps: %w", err)
	}
	return nil
}

func coreDumpsOff() bool {
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil && limit.Max == 0
}
