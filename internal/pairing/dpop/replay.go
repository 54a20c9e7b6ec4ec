package dpop

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ReplayConfig configures a replay memory.
type ReplayConfig struct {
	Dir        string           // required; the data directory. The journal is Dir/replay.journal, 0600; one process at a time
	Clock      func() time.Time // default time.Now
	MaxEntries int              // proofs remembered at once, about 100 bytes each; default 1<<20
	MaxPerKey  int              // of them by one key, so that no app takes the memory from the others; default a quarter, at least 1,024
	Log        *slog.Logger     // default slog.DiscardHandler
}

// Replay remembers accepted proofs until they are too old to pass. It is safe for concurrent use.
//
// A proof passes at most once because, at any time, each proof accepted before is either remembered or dated at or
// before floor, and what is dated at or before floor is refused:
//
//	in memory     a group that is forgotten raises floor to the newest date in it, so that a clock set back opens nothing
//	at a restart  floor starts at the newest of: the second before the start, the journal's mark;
//	              what was accepted with a later date than the mark is in the journal, and read back
//
// The journal is not synced: what a process has written survives its kill -9. After a power cut the second before
// the start has to do, and a machine takes longer than MaxAhead to start.
type Replay struct {
	clock func() time.Time
	max   int
	each  int // by one key

	mu      sync.Mutex
	floor   int64 // seconds since 1970; refuse what is dated at or before
	groups  map[int64]*group
	count   int
	journal *journal // nil when closed
}

// group is the proofs dated in the same groupSeconds: forgotten together, so that forgetting gives memory back.
type group struct {
	seen   map[digest]struct{}
	byKey  map[string]int // how many, by thumbprint; what the journal brought back has none
	newest int64          // the latest date in it
}

const groupSeconds = 16

// digest names one proof: SHA-256(thumbprint ‖ jti). The thumbprint has a fixed length.
type digest [sha256.Size]byte

func digestOf(thumbprint, jti string) digest {
	var space [256]byte
	return sha256.Sum256(append(append(space[:0], thumbprint...), jti...))
}

// OpenReplay opens the replay memory of a data directory and reads its journal back. A damaged journal is not an
// error: its memory then refuses all proofs dated before MaxAhead after the start, which covers whatever was lost.
func OpenReplay(config ReplayConfig) (*Replay, error) {
	if config.Dir == "" {
		return nil, errors.New("dpop: ReplayConfig.Dir is required")
	}
	if config.MaxEntries < 0 || config.MaxPerKey < 0 {
		return nil, errors.New("dpop: ReplayConfig.MaxEntries or MaxPerKey is negative")
	}
	if config.MaxEntries == 0 {
		config.MaxEntries = 1 << 20
	}
	if config.MaxPerKey == 0 {
		config.MaxPerKey = max(config.MaxEntries/4, 1024)
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	r := &Replay{clock: config.Clock, max: config.MaxEntries, each: config.MaxPerKey, groups: make(map[int64]*group)}
	if err := r.restore(filepath.Join(config.Dir, "replay.journal"), config.Log); err != nil {
		return nil, fmt.Errorf("opening the replay journal: %w", err)
	}
	return r, nil
}

// restore sets floor and memory from the journal and starts a new one.
func (r *Replay) restore(path string, log *slog.Logger) error {
	start := r.clock().Unix()
	found, err := readJournal(path, r.max)
	if err != nil {
		return err
	}
	r.floor = max(start-1, found.mark)
	if found.damaged {
		r.floor = max(start, found.mark, found.newest) + int64(MaxAhead/time.Second)
		log.Warn("replay journal is damaged; proofs are refused until a safe time has passed",
			"path", path, "until", time.Unix(r.floor+1, 0).UTC())
	} else if r.floor > start {
		log.Warn("the clock is behind the newest accepted proof; older proofs are refused until it has caught up",
			"path", path, "until", time.Unix(r.floor+1, 0).UTC())
	}
	kept := found.ahead[:0]
	for _, proof := range found.ahead {
		if proof.date <= r.floor { // refused by its date; the mark must say so to the next start as well
			found.mark = max(found.mark, proof.date)
			continue
		}
		kept = append(kept, proof)
		r.insert(proof.id, proof.date)
	}
	r.journal, err = startJournal(path, found.mark, kept)
	return err
}

// accept remembers a proof that has passed every other check: nil once, ErrReplayed ever after. ErrReplayFull when
// it cannot be remembered.
func (r *Replay) accept(thumbprint, jti string, issuedAt time.Time) error {
	id, date := digestOf(thumbprint, jti), issuedAt.Unix()
	now := r.clock().Unix()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	if date <= r.floor {
		return fmt.Errorf("%w: dated before what is remembered", ErrReplayed)
	}
	byKey := 0
	for _, group := range r.groups {
		if _, seen := group.seen[id]; seen {
			return ErrReplayed
		}
		byKey += group.byKey[thumbprint]
	}
	if r.count >= r.max || byKey >= r.each {
		return ErrReplayFull
	}
	if r.journal == nil {
		return fmt.Errorf("%w: closed", ErrReplayFull)
	}
	if err := r.journal.record(now, date, id); err != nil {
		return fmt.Errorf("%w: journal: %w", ErrReplayFull, err)
	}
	r.insert(id, date).byKey[thumbprint]++
	return nil
}

func (r *Replay) insert(id digest, date int64) *group {
	number := date / groupSeconds
	g := r.groups[number]
	if g == nil {
		g = &group{seen: make(map[digest]struct{}), byKey: make(map[string]int)}
		r.groups[number] = g
	}
	before := len(g.seen)
	g.seen[id] = struct{}{}
	r.count += len(g.seen) - before
	g.newest = max(g.newest, date)
	return g
}

// forget drops the groups in which every proof is too old to pass.
func (r *Replay) forget(now int64) {
	oldest := now - int64((MaxAge+MaxAhead)/time.Second)
	for number, g := range r.groups {
		if (number+1)*groupSeconds <= oldest {
			r.floor = max(r.floor, g.newest)
			r.count -= len(g.seen)
			delete(r.groups, number)
		}
	}
}

// Len is the number of proofs remembered.
func (r *Replay) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// Close closes the journal. What was accepted stays on disk; further proofs are refused with ErrReplayFull.
func (r *Replay) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.journal == nil {
		return nil
	}
	err := r.journal.close()
	r.journal = nil
	return err
}
