package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// firstEvents times how long n streams take to their first event, one after
// the other on one connection.
func (s *side) firstEvents(ctx context.Context, n int) ([]time.Duration, error) {
	requests, err := s.requests(ctx, n, call(true, "one question"))
	if err != nil {
		return nil, err
	}
	w, err := dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer w.conn.Close()
	took := make([]time.Duration, 0, n)
	for _, r := range requests {
		start := time.Now()
		answer, err := w.begin(r)
		if err == nil {
			err = w.event(answer)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		took = append(took, time.Since(start))
		if err := drain(answer); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return took[n/10:], nil // the first ones warm it up
}

// idleStreams holds n streams open that have had their first event, and
// returns what each takes of the side's memory. One goes before: what is loaded
// for the first stream, such as a tokenizer's vocabulary, is not the others'.
func (s *side) idleStreams(ctx context.Context, n int) (rss, heap int64, err error) {
	requests, err := s.requests(ctx, n+1, call(true, held))
	if err != nil {
		return 0, 0, err
	}
	if err := s.firstStream(ctx, requests[n]); err != nil {
		return 0, 0, err
	}
	before, err := s.ask(order{Do: "collect"})
	if err != nil {
		return 0, 0, err
	}
	wires, err := dialMany(ctx, s.address, n)
	if err != nil {
		return 0, 0, err
	}
	defer hangUp(wires)
	var group errgroup.Group
	group.SetLimit(32)
	for i, w := range wires {
		group.Go(func() error {
			answer, err := w.begin(requests[i])
			if err != nil {
				return fmt.Errorf("%s: stream %d: %w", s.name, i, err)
			}
			return w.event(answer)
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, err
	}
	after, err := s.ask(order{Do: "collect"})
	each := func(after, before uint64) int64 { return (int64(after) - int64(before)) / int64(n) }
	return each(after.RSS, before.RSS), each(after.Heap, before.Heap), err
}

// firstStream opens one stream and leaves it after its first event.
func (s *side) firstStream(ctx context.Context, request []byte) error {
	wires, err := dialMany(ctx, s.address, 1)
	if err != nil {
		return err
	}
	defer hangUp(wires)
	answer, err := wires[0].begin(request)
	if err != nil {
		return fmt.Errorf("%s: first stream: %w", s.name, err)
	}
	return wires[0].event(answer)
}
