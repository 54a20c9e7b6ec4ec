package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// run plays one command line with an environment, without a process.
func run(t *testing.T, env map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	g, stdout, stderr := newRun(env)
	code = g.run(t.Context(), args)
	return code, stdout.String(), stderr.String()
}

func newRun(env map[string]string) (g *gateway, out, errs *bytes.Buffer) {
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	read := func(name string) string { return env[name] }
	return &gateway{in: strings.NewReader(""), out: out, errs: errs, env: read, settings: defaults(read)}, out, errs
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text  string
		want  time.Duration
		shown string
	}{
		{"45m", 45 * time.Minute, "45m"},
		{"24h", 24 * time.Hour, "1d"},
		{"30d", 30 * 24 * time.Hour, "30d"},
		{"90s", 90 * time.Second, "1m30s"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"36525d", maxDays * 24 * time.Hour, "36525d"},
		{"200ms", 200 * time.Millisecond, "200ms"},
		{"0s", 0, ""}, {"-1h", 0, ""}, {"0d", 0, ""}, {"-1d", 0, ""}, {"36526d", 0, ""}, {"99999h", 99999 * time.Hour, "99999h"},
		{"999999h", 0, ""}, {"d", 0, ""}, {"1.5d", 0, ""}, {"1 d", 0, ""}, {"24", 0, ""}, {"", 0, ""}, {"9999999999999999999d", 0, ""},
	} {
		got, err := parseDuration(row.text)
		if got != row.want || (err != nil) != (row.want == 0) {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", row.text, got, err, row.want)
		}
		if err == nil && formatDuration(got) != row.shown {
			t.Errorf("formatDuration(%v) = %q, want %q", got, formatDuration(got), row.shown)
		}
	}
}

// TestPrecedence: a flag beats the environment, which beats the default.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	env := map[string]string{"HOME": "/home/owner", "KEYWICKET_LISTEN": "127.0.0.1:1", "KEYWICKET_BEHIND_PROXY": "true"}
	for _, row := range []struct {
		args   []string
		listen string
		data   string
	}{
		{[]string{"serve"}, "127.0.0.1:1", "/home/owner/.local/share/keywicket"},
		{[]string{"serve", "--listen", "127.0.0.1:2"}, "127.0.0.1:2", "/home/owner/.local/share/keywicket"},
		{[]string{"--listen=127.0.0.1:3"}, "127.0.0.1:3", "/home/owner/.local/share/keywicket"},
		{[]string{"--data", "/srv/keys", "serve"}, "127.0.0.1:1", "/srv/keys"},
	} {
		g, _, _ := newRun(env)
		root := g.commands()
		stopBeforeServing(root)
		root.SetArgs(row.args)
		if err := root.Execute(); err != nil {
			t.Fatalf("%v: %v", row.args, err)
		}
		if g.listen != row.listen || g.data != row.data || !g.behindProxy || g.drain != 30*time.Second {
			t.Errorf("%v: listen %q, data %q, behind proxy %v, drain %v", row.args, g.listen, g.data, g.behindProxy, g.drain)
		}
	}
}

// stopBeforeServing leaves the flags of root and serve and takes their work.
func stopBeforeServing(root *cobra.Command) {
	nothing := func(*cobra.Command, []string) error { return nil }
	root.RunE = nothing
	for _, cmd := range root.Commands() {
		cmd.RunE = nothing
	}
}

// TestEveryFlagIsInTheTable: no command has a flag of its own making, and
// every row of the table is a flag or an environment name of some command.
func TestEveryFlagIsInTheTable(t *testing.T) {
	t.Parallel()
	g, _, _ := newRun(nil)
	root := g.commands()
	for _, row := range g.table() {
		for _, path := range row.on {
			cmd, _, err := root.Find(strings.Fields(path))
			if err != nil || commandName(cmd) != path {
				t.Errorf("option %s%s names the command %q, which does not exist", row.name, row.env, path)
				continue
			}
			if long, _ := row.names(); long != "" && cmd.Flags().Lookup(long) == nil {
				t.Errorf("gateway %s lacks --%s", path, long)
			}
		}
		if row.help == "" || strings.HasSuffix(row.help, ".") {
			t.Errorf("option %s%s: help %q", row.name, row.env, row.help)
		}
		if row.quiet && row.name != "" {
			t.Errorf("--%s takes a secret as an argument", row.name)
		}
	}
}

func TestDumpRedacts(t *testing.T) {
	t.Parallel()
	env := map[string]string{"HOME": "/home/owner", "KEYWICKET_PASSPHRASE": "canary-of-a-passphrase", "KEYWICKET_DRAIN": "5s"}
	for _, args := range [][]string{{"options"}, {"options", "--json"}, {"help", "options"}} {
		code, out, errs := run(t, env, args...)
		if code != exitOK || errs != "" {
			t.Fatalf("%v: exit %d, %s", args, code, errs)
		}
		if strings.Contains(out, "canary") || !strings.Contains(out, "[redacted]") || !strings.Contains(out, "5s") {
			t.Errorf("%v printed\n%s", args, out)
		}
	}
	if code, _, errs := run(t, map[string]string{"KEYWICKET_DRAIN": "never"}, "options"); code != exitUsage || !strings.Contains(errs, "KEYWICKET_DRAIN") {
		t.Errorf("a bad environment: exit %d, %q", code, errs)
	}
}

func TestDefaultData(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"XDG_DATA_HOME": "/xdg", "HOME": "/home/owner"}, "/xdg/keywicket"},
		{map[string]string{"XDG_DATA_HOME": "relative", "HOME": "/home/owner"}, "/home/owner/.local/share/keywicket"},
		{map[string]string{"HOME": "/home/owner"}, "/home/owner/.local/share/keywicket"},
	} {
		if got := defaultData(func(name string) string { return row.env[name] }); got != row.want {
			t.Errorf("%v: %q, want %q", row.env, got, row.want)
		}
	}
}
