//go:build !linux

package doctor

import "golang.org/x/sys/unix"

func readOnly(*unix.Statfs_t) bool { return false }

func inMemory(*unix.Statfs_t) bool { return false }
