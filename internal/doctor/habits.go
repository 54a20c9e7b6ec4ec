package doctor

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// Habits is how the gateway is run, as far as options and environment tell.
type Habits struct {
	// DataDir is the data directory; UnlockFile a key file for the start.
	DataDir, UnlockFile string
	// PassphraseInEnvironment says that every start puts the passphrase where
	// the user's other programs can read it.
	PassphraseInEnvironment bool
	// SwapFile lists swap areas; default /proc/swaps.
	SwapFile string
}

// Unsafe looks for defaults and habits that undo what the vault protects.
func Unsafe(h Habits) []Finding {
	const check = "habits"
	var found []Finding
	if h.PassphraseInEnvironment {
		found = append(found, Finding{check, Warning, "KEYWICKET_PASSPHRASE is set: every program of this user can read it", "unset it, and use --passphrase-file, a key file (gateway slot add-key-file FILE) or the terminal"})
	}
	if h.UnlockFile != "" && within(h.DataDir, h.UnlockFile) {
		found = append(found, Finding{check, Problem, "the key file " + h.UnlockFile + " lies in the data directory: one copy of the directory is all the keys", "move it to another disk, or give it as a systemd credential"})
	}
	if h.SwapFile == "" {
		h.SwapFile = "/proc/swaps"
	}
	if swaps := swapAreas(h.SwapFile); len(swaps) > 0 {
		found = append(found, Finding{check, Note, "swap is on (" + strings.Join(swaps, ", ") + "): parts of memory, keys included, may be written there", "use encrypted swap or none, unless the whole disk is encrypted"})
	}
	if len(found) == 0 {
		found = append(found, Good(check, "no unsafe default in use"))
	}
	return found
}

func within(dir, file string) bool {
	dir, errDir := filepath.Abs(dir)
	file, errFile := filepath.Abs(file)
	if errDir != nil || errFile != nil {
		return false
	}
	rel, err := filepath.Rel(dir, file)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// swapAreas lists the swap areas that could hold memory in clear; compressed
// memory (zram) is none.
func swapAreas(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil // no such list on this system
	}
	defer file.Close()
	var areas []string
	lines := bufio.NewScanner(file)
	for first := true; lines.Scan(); first = false {
		if fields := strings.Fields(lines.Text()); !first && len(fields) > 0 && !strings.HasPrefix(fields[0], "/dev/zram") {
			areas = append(areas, fields[0])
		}
	}
	return areas
}
