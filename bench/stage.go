package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stage is everything that takes part.
type stage struct {
	dir      string // on the disk
	quick    string // in memory, where there is such a place
	apps     []*app
	children []*child
	upstream *child
	bare     *side
	gateway  *side
	stubbed  *side
	binary   string
	without  string // the binary whose gateway does not check proofs
	base     string // the first part of all data directories
}

// someApps is how many apps the gateway has that most is measured with.
const someApps = 100

func newStage() (*stage, error) {
	st := &stage{}
	var err error
	if st.binary, err = os.Executable(); err != nil {
		return nil, err
	}
	if st.dir, err = os.MkdirTemp("", "keywicket-bench-"); err != nil {
		return nil, err
	}
	memory := "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		memory = st.dir
	}
	if st.quick, err = os.MkdirTemp(memory, "keywicket-bench-"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(st.dir))
	}
	return st, nil
}

func (st *stage) close() error {
	var errs []error
	for i := len(st.children) - 1; i >= 0; i-- {
		errs = append(errs, st.children[i].stop())
	}
	return errors.Join(append(errs, os.RemoveAll(st.quick), os.RemoveAll(st.dir))...)
}

func (st *stage) start(ctx context.Context, binary, name, role string, p part) (*child, error) {
	c, err := startChild(ctx, binary, name, role, p)
	if err == nil {
		st.children = append(st.children, c)
	}
	return c, err
}

// set starts the upstream, the bare proxy and both gateways.
func (st *stage) set(ctx context.Context) (err error) {
	if st.without, err = buildUnchecked(ctx, st.dir); err != nil {
		return err
	}
	if st.upstream, err = st.start(ctx, st.binary, "upstream", "upstream", part{}); err != nil {
		return err
	}
	bare, err := st.start(ctx, st.binary, "bare proxy", "bare", part{Upstream: st.upstream.address})
	if err != nil {
		return err
	}
	st.bare = &side{child: bare}
	if st.gateway, err = st.gatewayWith(ctx, st.binary, "gateway", someApps); err != nil {
		return err
	}
	st.stubbed, err = st.gatewayWith(ctx, st.without, "gateway without proof check", someApps)
	return err
}

// gatewayWith starts a gateway that knows so many apps. Numbers must not fall
// from one call to the next.
func (st *stage) gatewayWith(ctx context.Context, binary, name string, many int) (*side, error) {
	if st.base == "" {
		st.base = filepath.Join(st.quick, "apps")
	}
	var err error
	if st.apps, err = raise(ctx, st.base, st.apps, many); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(st.dir, "data-")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, os.DirFS(st.base)); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(dir, "host.key"), 0o600); err != nil {
		return nil, err
	}
	c, err := st.start(ctx, binary, name, "gateway", part{Dir: dir, Upstream: st.upstream.address})
	if err != nil {
		return nil, err
	}
	return &side{child: c, fleet: &fleet{address: c.address, apps: st.apps[:many]}}, nil
}

// buildUnchecked builds this program again with another file in the place of
// the one that checks proofs. Nothing in the gateway's own source can skip the
// check, so no option of the shipped binary can.
func buildUnchecked(ctx context.Context, dir string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	root, err := output(list)
	root = strings.TrimSpace(root)
	if err != nil || root == "" {
		return "", errors.Join(errors.New("the source was not found: run this inside of it"), err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(root, "internal/pairing/dpop/check.go"): filepath.Join(root, "bench/unchecked/check.go.txt"),
	}})
	if err != nil {
		return "", err
	}
	file, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "bench-unchecked")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-overlay", file, "-o", binary, "./bench")
	build.Dir = root
	_, err = output(build)
	return binary, err
}

func output(cmd *exec.Cmd) (string, error) {
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(words.Bytes()))
	}
	return string(out), nil
}

func say(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
