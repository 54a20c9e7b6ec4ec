// Command bench measures what a request costs that goes through Keywicket, next to the same request through a bare
// httputil.ReverseProxy.
//
//	client (this process) ──▶ bare proxy ──────────────────▶ upstream
//	                      ──▶ gateway ─────────────────────▶
//	                      ──▶ gateway without proof check ─▶
//
// Each box is a process of its own, so that the processor time of each can be told; all talk over loopback. The
// gateway is the whole one, as it serves: routes and guards, token, Ed25519 proof with body hash and replay memory, a
// policy with six limits, ledger, audit log, vault. Proofs are signed before each measured slice, and the sides take
// turns in slices of a second or so, so that what the machine does besides hits all alike.
//
// It prints a table with the goals and whether they are met. It exits with 1 when something failed, and not for a goal
// that was missed. It listens on loopback only, needs no network, and ends by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// atMost bounds a run, which takes two or three minutes on a machine that does
// nothing else.
const atMost = 20 * time.Minute

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		exitOn(playRole(role))
		return
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 10, "how often the sides take turns")
	flag.IntVar(&s.requests, "requests", 4000, "requests of one slice at full speed")
	flag.IntVar(&s.connections, "connections", 32, "connections of the client")
	flag.IntVar(&s.rate, "rate", 1000, "requests a second at the fixed rate")
	flag.IntVar(&s.streams, "streams", 2000, "streams held open to see what each takes")
	flag.IntVar(&s.apps, "apps", 10_000, "apps of the largest gateway")
	flag.StringVar(&s.profile, "profile", "", "a directory for profiles of all sides at full speed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	exitOn(run(ctx, s, os.Stdout))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
