package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// settings are the command's options.
type settings struct {
	rounds, requests, connections, rate, streams, apps int
	profile                                            string
}

func (s settings) check() error {
	if s.rounds < 1 || s.requests < 1 || s.connections < 1 || s.rate < 1 || s.streams < 1 || s.apps < someApps {
		return fmt.Errorf("every number must be at least 1, and -apps at least %d", someApps)
	}
	if s.streams > 20_000 || s.apps > 20_000 || s.connections > 1000 || s.requests > 100_000 || s.rounds > 1000 || s.rate > 100_000 {
		return errors.New("that is more than this measures: see -help for the numbers it is made for")
	}
	return nil
}

func run(ctx context.Context, s settings, out io.Writer) (err error) {
	if err := s.check(); err != nil {
		return err
	}
	began := time.Now()
	st, err := newStage()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	say(out, "%s", machine())
	say(out, "Starting upstream, bare proxy and gateways ...")
	if err := st.set(ctx); err != nil {
		return err
	}
	r := &report{settings: s}
	for _, part := range []struct {
		words   string
		measure func(context.Context, *stage, settings) error
	}{
		{"At full speed", r.fullSpeed},
		{"At a fixed rate", r.fixedRate},
		{"Streams", r.streaming},
		{"Waits for the disk", r.waits},
		{"From 1 app to many", r.flat},
	} {
		say(out, "%s ...", part.words)
		if err := part.measure(ctx, st, s); err != nil {
			return fmt.Errorf("%s: %w", part.words, err)
		}
	}
	r.took = time.Since(began)
	r.print(out)
	return nil
}

func (r *report) fullSpeed(ctx context.Context, st *stage, s settings) error {
	sides := []*side{st.bare, st.gateway, st.stubbed}
	measure := func(one *side) (slice, error) { return one.turn(ctx, s.requests, s.connections, 0) }
	if err := warmUp(ctx, st, sides, measure); err != nil {
		return err
	}
	profiled := map[string]*side{"bare": st.bare, "gateway": st.gateway, "unchecked": st.stubbed}
	if s.profile == "" {
		profiled = nil
	}
	for name, one := range profiled {
		if _, err := one.ask(order{Do: "profile", File: filepath.Join(s.profile, name+".cpu")}); err != nil {
			return err
		}
	}
	turns, err := takeTurns(ctx, sides, s.rounds, measure)
	if err != nil {
		return err
	}
	r.full = [3][]slice{turns[st.bare], turns[st.gateway], turns[st.stubbed]}
	for name, one := range profiled {
		if _, err := one.ask(order{Do: "profile"}); err != nil {
			return err
		}
		if _, err := one.ask(order{Do: "heap", File: filepath.Join(s.profile, name+".allocs")}); err != nil {
			return err
		}
	}
	return nil
}

// warmUp lets each side have a slice that does not count. A counter's first
// request waits for the disk, which must show in the gateway's record of waits:
// else nothing would be said by a record without any.
func warmUp(ctx context.Context, st *stage, sides []*side, measure func(*side) (slice, error)) error {
	if _, err := st.gateway.ask(order{Do: "waits"}); err != nil {
		return err
	}
	if _, err := takeTurns(ctx, sides, 1, measure); err != nil {
		return err
	}
	seen, err := st.gateway.ask(order{Do: "no waits"})
	if err == nil && seen.Waits == 0 {
		err = errors.New("the first requests of a hundred apps have not waited for the disk, or their waits were not seen")
	}
	return err
}

func (r *report) fixedRate(ctx context.Context, st *stage, s settings) error {
	const seconds = 3 // of each slice
	sides := []*side{st.bare, st.gateway, st.stubbed}
	turns, err := takeTurns(ctx, sides, max(s.rounds/2, 1), func(one *side) (slice, error) {
		return one.turn(ctx, seconds*s.rate, 2*s.connections, s.rate)
	})
	r.rate = [3][]slice{turns[st.bare], turns[st.gateway], turns[st.stubbed]}
	return err
}

func (r *report) streaming(ctx context.Context, st *stage, s settings) error {
	const each = 100
	sides := []*side{st.bare, st.gateway}
	_, err := takeTurns(ctx, sides, s.rounds, func(one *side) (slice, error) {
		took, err := one.firstEvents(ctx, each)
		if one == st.bare {
			r.first[0] = append(r.first[0], took...)
		} else {
			r.first[1] = append(r.first[1], took...)
		}
		return slice{}, err
	})
	if err != nil {
		return err
	}
	for i, one := range sides {
		if r.streamRSS[i], r.streamHeap[i], err = one.idleStreams(ctx, s.streams); err != nil {
			return err
		}
	}
	_, err = st.upstream.ask(order{Do: "release"})
	return err
}

// waits sends a slice with every wait of a goroutine on record. It comes after
// what is timed: recording takes time.
func (r *report) waits(ctx context.Context, st *stage, s settings) error {
	before, err := st.gateway.ask(order{Do: "waits"})
	if err != nil {
		return err
	}
	one, err := st.gateway.turn(ctx, s.requests, s.connections, 0)
	if err != nil {
		return err
	}
	after, err := st.gateway.ask(order{})
	r.waited, r.waitedOf, r.commits = after.Waits-before.Waits, one.n, one.commits
	return err
}

func (r *report) flat(ctx context.Context, st *stage, s settings) error {
	alone := &side{child: st.gateway.child, fleet: &fleet{address: st.gateway.address, apps: st.apps[:1]}}
	many, err := st.gatewayWith(ctx, st.binary, fmt.Sprintf("gateway with %d apps", s.apps), s.apps)
	if err != nil {
		return err
	}
	// A counter's first request in a period waits for the disk.
	if _, err := many.turn(ctx, s.apps, atOnce, 0); err != nil {
		return err
	}
	r.counts = [3]int{1, someApps, s.apps}
	sides := []*side{alone, st.gateway, many}
	turns, err := takeTurns(ctx, sides, max(s.rounds/2, 1), func(one *side) (slice, error) {
		return one.turn(ctx, s.requests, s.connections, 0)
	})
	r.apps = [3][]slice{turns[alone], turns[st.gateway], turns[many]}
	return err
}
