package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDemoNamesTheFailingStep: a demonstration that cannot be given says where
// it stopped and leaves nothing behind.
func TestDemoNamesTheFailingStep(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g, out, _ := newRun(nil)
	g.once = true
	err := g.demo(ctx)
	if err == nil || !strings.Contains(err.Error(), `the demo failed at step 1, "the gateway starts"`) {
		t.Errorf("got %v\n%s", err, out)
	}
}

// TestDemoStaysUp: without --once the console can be visited until the end,
// and then everything is gone.
func TestDemoStaysUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	g, _, _ := newRun(nil)
	g.out = write
	ended := make(chan error, 1)
	go func() {
		err := g.demo(ctx)
		_ = write.Close()
		ended <- err
	}()
	console, dir := watchDemo(t, read)
	res, err := http.Get(console)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the console answered %s", res.Status)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ending: %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the temporary directory is still there: %v", err)
	}
}

// watchDemo reads until the last line and returns what it said.
func watchDemo(t *testing.T, read io.Reader) (console, dir string) {
	t.Helper()
	for lines := bufio.NewScanner(read); lines.Scan(); {
		line := lines.Text()
		if m := regexp.MustCompile(`^The console is at (\S+)$`).FindStringSubmatch(line); m != nil {
			console = m[1]
		}
		if m := regexp.MustCompile(`--data (\S+)$`).FindStringSubmatch(line); m != nil {
			dir = m[1]
		}
		if strings.HasPrefix(line, "Ctrl-C") {
			break
		}
	}
	if console == "" || dir == "" {
		t.Fatal("the demonstration did not say where it is")
	}
	return console, dir
}
