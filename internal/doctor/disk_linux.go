package doctor

import "golang.org/x/sys/unix"

func readOnly(stat *unix.Statfs_t) bool { return stat.Flags&unix.ST_RDONLY != 0 }

func inMemory(stat *unix.Statfs_t) bool {
	return int64(stat.Type) == unix.TMPFS_MAGIC || int64(stat.Type) == unix.RAMFS_MAGIC
}
