package dpop

import "time"

// ReplayConfig configures a replay memory.
type ReplayConfig struct {
	Dir        string           // required; the data directory. The journal is Dir/replay.journal, 0600
	Clock      func() time.Time // default time.Now
	MaxEntries int              // proofs remembered at once, about 100 bytes each; default 1<<20
}

// Replay remembers accepted proofs. It is safe for concurrent use.
type Replay struct{}

// OpenReplay opens the replay memory of a data directory.
func OpenReplay(config ReplayConfig) (*Replay, error) { return &Replay{}, nil }

// Close closes the journal.
func (r *Replay) Close() error { return nil }
