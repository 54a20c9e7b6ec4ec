package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// roleVariable names the part that a child process plays.
const roleVariable = "KEYWICKET_BENCH_ROLE"

// part is what a child is told first, on its standard input.
type part struct {
	Dir      string `json:"dir,omitempty"`      // the gateway's data directory
	Upstream string `json:"upstream,omitempty"` // host and port
}

// order is one line on a child's standard input; the child answers each with
// figures on its standard output. A child ends when its input does.
type order struct {
	Do   string `json:"do"`             // "" (figures only), collect, waits, no waits, profile, heap, release
	File string `json:"file,omitempty"` // of a profile; none ends one of processor time
}

// figures are a child's own.
type figures struct {
	Address string        `json:"address"`
	CPU     time.Duration `json:"cpu"`     // user and system, since its start
	Mallocs uint64        `json:"mallocs"` // since its start
	Heap    uint64        `json:"heap"`    // bytes of heap and stacks in use
	RSS     uint64        `json:"rss"`     // bytes
	Commits uint64        `json:"commits"` // of the database, since it exists
	Waits   int64         `json:"waits"`   // of goroutines for the ledger's writer, since the start
	Err     string        `json:"err,omitempty"`
}

// child is a process that plays one part.
type child struct {
	name    string
	address string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	in      *json.Encoder
	out     *json.Decoder
}

func startChild(ctx context.Context, binary, name, role string, p part) (*child, error) {
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the %s: %w", name, err)
	}
	c := &child{name: name, cmd: cmd, stdin: stdin, in: json.NewEncoder(stdin), out: json.NewDecoder(stdout)}
	f, err := c.exchange(p)
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	c.address = f.Address
	return c, nil
}

// ask gives an order and waits for the figures.
func (c *child) ask(o order) (figures, error) { return c.exchange(o) }

func (c *child) exchange(message any) (figures, error) {
	var f figures
	if err := c.in.Encode(message); err != nil {
		return f, fmt.Errorf("telling the %s: %w", c.name, err)
	}
	if err := c.out.Decode(&f); err != nil {
		return f, fmt.Errorf("hearing from the %s: %w", c.name, err)
	}
	if f.Err != "" {
		return f, fmt.Errorf("%s: %s", c.name, f.Err)
	}
	return f, nil
}

func (c *child) stop() error {
	_ = c.stdin.Close() // which is what ends it
	timer := time.AfterFunc(20*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}
