package vault

// NoCoreDumps keeps the memory of this process, in which unlocked keys lie,
// out of core files: it sets the limit of their size to 0 and, on Linux, makes
// the process undumpable (prctl(2), PR_SET_DUMPABLE), which also keeps other
// processes of the same user from tracing it or reading its memory and
// environment. It lasts until the process ends or executes another program.
// Where neither exists it does nothing. Error: the operating system's.
func NoCoreDumps() error { return noCoreDumps() }

// CoreDumpsOff reports whether NoCoreDumps is in effect.
func CoreDumpsOff() bool { return coreDumpsOff() }
