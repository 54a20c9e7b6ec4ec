package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// player is a part that is being played.
type player struct {
	address string
	dir     string       // with a database, if any
	release func()       // ends held streams; may be nil
	close   func() error // ends the part
}

// playRole is the life of a child.
func playRole(role string) error {
	play, ok := map[string]func(part) (*player, error){
		"upstream": playUpstream, "bare": playBare, "gateway": playGateway,
	}[role]
	if !ok {
		return fmt.Errorf("there is no part %q", role)
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var p part
	if err := in.Decode(&p); err != nil {
		return err
	}
	pl, err := play(p)
	if err != nil {
		return errors.Join(err, out.Encode(figures{Err: err.Error()}))
	}
	for {
		if err := out.Encode(pl.figures()); err != nil {
			return errors.Join(err, pl.close())
		}
		var o order
		if err := in.Decode(&o); err != nil {
			if err == io.EOF {
				err = nil
			}
			return errors.Join(err, pl.close())
		}
		if err := pl.obey(o); err != nil {
			return errors.Join(err, pl.close())
		}
	}
}

func (pl *player) obey(o order) error {
	switch o.Do {
	case "collect":
		for range 4 { // a stack that was deep once is halved with each collection
			debug.FreeOSMemory() // collects, and gives back what is free
		}
	case "release":
		pl.release()
	case "waits":
		runtime.SetBlockProfileRate(1)
	case "no waits":
		runtime.SetBlockProfileRate(0)
	case "profile":
		if o.File == "" {
			pprof.StopCPUProfile()
			return nil
		}
		f, err := os.Create(o.File)
		if err != nil {
			return err
		}
		return pprof.StartCPUProfile(f)
	case "heap":
		f, err := os.Create(o.File)
		if err != nil {
			return err
		}
		return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
	}
	return nil
}

func (pl *player) figures() figures {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage) // cannot fail
	return figures{
		Address: pl.address,
		CPU:     time.Duration(usage.Utime.Nano() + usage.Stime.Nano()),
		Mallocs: memory.Mallocs,
		Heap:    memory.HeapInuse + memory.StackInuse,
		RSS:     residentBytes(),
		Commits: commits(pl.dir),
		Waits:   ledgerWaits(),
	}
}

// ledgerWaits is how often a goroutine has waited for the ledger's writer,
// which is the one wait for the disk that a request can come to.
func ledgerWaits() int64 {
	const frame = "policy.(*Ledger).await"
	records := make([]runtime.BlockProfileRecord, 4096)
	n, _ := runtime.BlockProfile(records)
	var waits int64
	for _, r := range records[:min(n, len(records))] {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.HasSuffix(f.Function, frame) {
				waits += r.Count
				break
			}
		}
	}
	return waits
}
