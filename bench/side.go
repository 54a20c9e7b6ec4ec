package main

import (
	"context"
	"fmt"
	"time"
)

// side is one of those that are compared: a child and what it is sent.
type side struct {
	*child
	fleet *fleet // nil for the bare proxy, which knows no apps
}

// slice is what one side did in one turn.
type slice struct {
	n          int
	took       time.Duration
	cpu        time.Duration // of the side's process
	mallocs    uint64
	commits    uint64
	perRequest []time.Duration // at the fixed rate
}

func (s slice) throughput() float64 { return float64(s.n) / s.took.Seconds() }

func (s slice) cpuEach() time.Duration { return s.cpu / time.Duration(s.n) }

// requests are n of them, signed now.
func (s *side) requests(ctx context.Context, n int, body []byte) ([][]byte, error) {
	if s.fleet != nil {
		if err := s.fleet.renew(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		return s.fleet.sign(n, body)
	}
	one := spell("/v1/chat/completions", "Authorization: Bearer sk-bench-0123456789abcdef0123456789abcdef", body)
	all := make([][]byte, n)
	for i := range all {
		all[i] = one
	}
	return all, nil
}

// turn measures one slice: rate 0 is full speed. What signing, dialling and
// the first requests on new connections take is not in it.
func (s *side) turn(ctx context.Context, n, connections, rate int) (_ slice, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", s.name, err)
		}
	}()
	warm := 4 * connections
	requests, err := s.requests(ctx, n+warm, call(false, "one question"))
	if err != nil {
		return slice{}, err
	}
	wires, err := dialMany(ctx, s.address, connections)
	if err != nil {
		return slice{}, err
	}
	defer hangUp(wires)
	if _, err := fullSpeed(wires, requests[:warm]); err != nil {
		return slice{}, err
	}
	before, err := s.ask(order{})
	if err != nil {
		return slice{}, err
	}
	done := slice{n: n}
	if rate > 0 {
		start := time.Now()
		done.perRequest, err = fixedRate(ctx, wires, requests[warm:], rate)
		done.took = time.Since(start)
	} else {
		done.took, err = fullSpeed(wires, requests[warm:])
	}
	if err != nil {
		return slice{}, err
	}
	after, err := s.ask(order{})
	done.cpu, done.mallocs, done.commits = after.CPU-before.CPU, after.Mallocs-before.Mallocs, after.Commits-before.Commits
	return done, err
}

// takeTurns lets each side have a slice a round, every round in another order.
func takeTurns(ctx context.Context, sides []*side, rounds int, measure func(*side) (slice, error)) (map[*side][]slice, error) {
	all := map[*side][]slice{}
	for round := range rounds {
		for i := range sides {
			s := sides[(round+i)%len(sides)]
			one, err := measure(s)
			if err != nil {
				return nil, err
			}
			all[s] = append(all[s], one)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return all, nil
}
