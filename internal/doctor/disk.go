package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free space below which a gateway is in trouble, and below which its owner
// should know: an audit log that cannot be written stops every request.
const (
	tooLittle = 64 << 20
	little    = 512 << 20
)

// Disk checks that the file system of the data directory can be written and
// has room.
func Disk(dir string) []Finding {
	const check, remedy = "disk", "free some space, or move the data directory to a larger disk"
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return []Finding{{check, Problem, "free space cannot be told: " + err.Error(), "look at the disk with: df " + dir}}
	}
	return disk(dir, volume{
		free: uint64(stat.Bavail) * uint64(stat.Bsize), files: stat.Files, freeFiles: uint64(stat.Ffree),
		readOnly: readOnly(&stat), memory: inMemory(&stat),
	}, check, remedy)
}

// volume is what matters of a file system.
type volume struct {
	free, files, freeFiles uint64
	readOnly, memory       bool
}

func disk(dir string, v volume, check, remedy string) []Finding {
	var found []Finding
	switch {
	case v.readOnly:
		found = append(found, Finding{check, Problem, "the file system of " + dir + " is read-only", "mount it for writing"})
	case v.free < tooLittle:
		found = append(found, Finding{check, Problem, "only " + megabytes(v.free) + " are free", remedy})
	case v.files > 0 && v.freeFiles == 0:
		found = append(found, Finding{check, Problem, "the file system has no room for another file", remedy})
	case v.free < little:
		found = append(found, Finding{check, Warning, "only " + megabytes(v.free) + " are free", remedy})
	}
	if v.memory {
		found = append(found, Finding{check, Warning, dir + " lies in memory and is lost when the machine restarts", "move the data directory to a disk and name it with --data DIR"})
	}
	if len(found) == 0 {
		found = append(found, Good(check, megabytes(v.free)+" are free"))
	}
	return found
}

func megabytes(n uint64) string { return fmt.Sprintf("%d MB", n>>20) }
