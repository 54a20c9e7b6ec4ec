package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// scriptTime bounds one waiting command of a script; it only ends one that hangs.
const scriptTime = 2 * time.Minute

// TestScripts runs every script of testdata/script. They double as
// documentation: each shows one thing an owner does at the terminal.
//
// Besides the commands of testscript they know:
//
//	upstream            start a stand-in for OpenAI: $UPSTREAM is its base URL,
//	                    and the file upstream.key its key
//	upstream saw N      exactly N requests have reached it
//	upstream slow       from now on its streams never end by themselves
//	receiver            start a stand-in for the owner's webhook at $RECEIVER
//	receiver got TYPE FILE  wait for a message of that type, signed with the
//	                    secret in FILE
//	$ADDRESS            a loopback address to listen on again after a stop
//	ready               wait until a gateway answers on the data directory
//	app NAME pair FILE  redeem the pairing string in FILE
//	app NAME wait       wait for the owner's answer: ok or the error
//	app NAME ask MODEL WANT      WANT is ok or the code of the refusal
//	app NAME until MODEL WANT    ask again and again until that is the answer
//	app NAME stream MODEL        start a stream and wait for its first word
//	app NAME streamed WANT       wait for its end: whole or cut
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"upstream": upstreamCommand,
			"receiver": receiverCommand,
			"ready":    readyCommand,
			"app":      appCommand,
		},
	})
}

// scripted is what one script plays with.
type scripted struct {
	upstream *openaifake.Server
	receiver *receiver
	apps     map[string]*sampleApp
}

type scriptedKey struct{}

func setUpScript(env *testscript.Env) error {
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("KEYWICKET_DATA", env.WorkDir+"/data")
	env.Setenv("KEYWICKET_LISTEN", "127.0.0.1:0")
	// About noon, so that no day ends under a script.
	env.Setenv("KEYWICKET_TIME_ZONE", fmt.Sprintf("Etc/GMT%+d", time.Now().UTC().Hour()-12))
	env.Setenv("TZ", "UTC")
	env.Setenv("ADDRESS", ownAddress())
	env.Values[scriptedKey{}] = &scripted{apps: map[string]*sampleApp{}}
	return nil
}

// lastPort was given to a script last. The system gives ports of this range to
// nobody who does not ask for them by number.
var lastPort atomic.Int64

func init() { lastPort.Store(int64(10_000 + os.Getpid()%20_000)) }

// ownAddress is for a gateway that listens there more than once.
func ownAddress() string {
	for {
		address := fmt.Sprintf("127.0.0.1:%d", lastPort.Add(1))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
}

func stageOf(ts *testscript.TestScript) *scripted { return ts.Value(scriptedKey{}).(*scripted) }

func upstreamCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	switch {
	case neg:
		ts.Fatalf("upstream cannot be negated")
	case len(args) == 0:
		const key = "sk-canary-5fd924625f6ab16a"
		upstream, err := openaifake.Start(openaifake.Config{Key: key, Answer: demoAnswer, WordDelay: 50 * time.Millisecond})
		ts.Check(err)
		ts.Defer(func() { _ = upstream.Close() })
		s.upstream = upstream
		ts.Setenv("UPSTREAM", upstream.BaseURL())
		ts.Check(os.WriteFile(ts.MkAbs("upstream.key"), []byte(key+"\n"), 0o600))
	case len(args) == 2 && args[0] == "saw":
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		if got := s.upstream.Count(); got != want {
			ts.Fatalf("the provider saw %d requests", got)
		}
	case args[0] == "slow":
		s.upstream.Script(openaifake.Fault{Endless: true})
	default:
		ts.Fatalf("usage: upstream [saw N | slow]")
	}
}

// readyCommand waits until a gateway answers.
func readyCommand(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	ts.Check(eventually(ctx, func() (bool, error) {
		client, err := admin.Dial(ts.Getenv("KEYWICKET_DATA"))
		if err != nil {
			return false, ignore(err, admin.ErrNoServer)
		}
		defer client.Close()
		_, err = client.Status(ctx)
		return err == nil, ignore(err, admin.ErrNoServer)
	}))
}

// ignore drops an error that time may cure.
func ignore(err, passing error) error {
	if errors.Is(err, passing) {
		return nil
	}
	return err
}

func appCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: app NAME pair FILE | wait WANT | ask MODEL WANT | until MODEL WANT | stream MODEL | streamed WANT")
	}
	s := stageOf(ts)
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	if args[1] == "pair" {
		app := newSampleApp(args[0])
		s.apps[args[0]] = app
		ts.Check(app.pair(ctx, ts.ReadFile(args[2])))
		return
	}
	app := s.apps[args[0]]
	if app == nil {
		ts.Fatalf("there is no app %s", args[0])
	}
	got, err := app.do(ctx, args[1], args[2:])
	ts.Check(err)
	if want := args[len(args)-1]; got != "" && got != want {
		ts.Fatalf("%v: got %s", args, got)
	}
	fmt.Fprintln(ts.Stdout(), got)
}
