package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// fullSpeed sends the requests as fast as they are answered, one at a time on
// each connection, and returns how long all took.
func fullSpeed(wires []*wire, requests [][]byte) (time.Duration, error) {
	var next atomic.Int64
	var group errgroup.Group
	start := time.Now()
	for _, w := range wires {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(requests) {
					return nil
				}
				if err := w.do(requests[i]); err != nil {
					next.Store(int64(len(requests))) // the others stop too
					return err
				}
			}
		})
	}
	err := group.Wait()
	return time.Since(start), err
}

// fixedRate sends the requests at times that are fixed in advance, whether or
// not earlier ones have been answered, and returns how long after its time each
// was answered: what waits because something else was slow counts as slow.
func fixedRate(ctx context.Context, wires []*wire, requests [][]byte, rate int) ([]time.Duration, error) {
	group, ctx := errgroup.WithContext(ctx)
	gap := time.Second / time.Duration(rate)
	due, took := make(chan int, len(requests)), make([]time.Duration, len(requests))
	start := time.Now().Add(time.Millisecond)
	at := func(i int) time.Time { return start.Add(time.Duration(i) * gap) }
	for _, w := range wires {
		group.Go(func() error {
			for i := range due {
				if err := w.do(requests[i]); err != nil {
					return err
				}
				took[i] = time.Since(at(i))
			}
			return nil
		})
	}
	var pacing sync.WaitGroup
	pacing.Go(func() {
		defer close(due)
		sleep := newAlarm()
		defer sleep.done()
		for i := range requests {
			sleep.until(at(i))
			if ctx.Err() != nil {
				return
			}
			due <- i
		}
	})
	err := group.Wait()
	pacing.Wait()
	return took, err
}
