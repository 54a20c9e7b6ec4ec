package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxNamed bounds how many files are named for one fault.
const maxNamed = 10

// Files checks the modes and the owner of the data directory and of what lies
// directly in it: nobody but its owner may reach any of it.
func Files(dir string) []Finding {
	const check = "files"
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return []Finding{{check, Problem, fmt.Sprintf("there is no data directory %s", dir), "set one up with: gateway init --data " + dir}}
	}
	if err != nil {
		return []Finding{{check, Problem, "the data directory cannot be looked at: " + err.Error(), "run this as the user the gateway runs as"}}
	}
	if !info.IsDir() {
		return []Finding{{check, Problem, dir + " is not a directory", "name the data directory with --data DIR"}}
	}
	owner := ownerOf(info)
	var found []Finding
	if uid := os.Geteuid(); owner != uid && uid != 0 {
		found = append(found, Finding{check, Problem, fmt.Sprintf("%s belongs to user %d, and this is user %d", dir, owner, uid), "run gateway as that user, or as root: chown -R " + fmt.Sprint(uid) + " " + dir})
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		found = append(found, Finding{check, Problem, fmt.Sprintf("%s is open to other users of this machine (mode %04o)", dir, mode), "chmod 700 " + dir})
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return append(found, Finding{check, Problem, "the data directory cannot be read: " + err.Error(), "run this as the user the gateway runs as"})
	}
	var open, foreign, odd []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, err := entry.Info()
		switch {
		case err != nil: // gone meanwhile
		case info.Mode().Type()&(fs.ModeSymlink|fs.ModeDevice|fs.ModeNamedPipe) != 0:
			odd = append(odd, path)
		case ownerOf(info) != owner:
			foreign = append(foreign, path)
		case info.Mode().Perm()&0o077 != 0:
			open = append(open, path)
		}
	}
	found = append(found, about(check, open, "open to other users of this machine", "chmod go-rwx")...)
	found = append(found, about(check, foreign, "not the data directory's owner's", fmt.Sprintf("chown %d", owner))...)
	found = append(found, about(check, odd, "no plain file, so what is written there may lie elsewhere", "replace by the file itself:")...)
	if len(found) == 0 {
		return []Finding{Good(check, fmt.Sprintf("%d files, for their owner alone", len(entries)))}
	}
	return found
}

// about makes one finding of all files with one fault.
func about(check string, paths []string, fault, remedy string) []Finding {
	if len(paths) == 0 {
		return nil
	}
	named, more := paths, ""
	if len(paths) > maxNamed {
		named, more = paths[:maxNamed], fmt.Sprintf(" and %d more", len(paths)-maxNamed)
	}
	verb := " is "
	if len(paths) > 1 {
		verb = " are "
	}
	return []Finding{{check, Problem, strings.Join(named, ", ") + more + verb + fault, remedy + " " + strings.Join(named, " ")}}
}

func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return os.Geteuid()
}
