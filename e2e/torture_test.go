package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/doctor"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

const (
	// tortureEnv is how often the gateway is killed; without it tortureKills.
	tortureEnv   = "KEYWICKET_TORTURE_KILLS"
	tortureKills = 4

	callers      = 4             // metered calls under way at any moment
	tortureCap   = 1 << 20       // lifetime requests of the metered app
	tortureBlock = 1024          // of a counter with that cap
	startTime    = time.Minute   // for one start, on a machine that is busy
	shortestLife = 50            // milliseconds under load before the kill
	longestLife  = 2500          // milliseconds; proofs need a whole second after a start
	deepEvery    = 10            // kills between two looks at all of the audit chain
	meteredName  = "Metered"     // the app whose counter is watched
	meteredModel = "gpt-4o-mini" // what it asks for
)

// TestTorture kills a serving gateway with -9 again and again, while apps
// pair, policies are edited, keys come and go and calls are metered. After
// each kill everything that was acknowledged is there, no counter stands under
// what the provider saw, and none stands more than a block over it.
func TestTorture(t *testing.T) {
	t.Parallel()
	kills := tortureKills
	if text := os.Getenv(tortureEnv); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil || kills < 1 {
			t.Fatalf("%s=%s is not a number of kills", tortureEnv, text)
		}
	}
	r := newRack(t)
	began := time.Now()
	least := max(kills/4, 1)
	for kill := 1; kill <= kills; kill++ {
		done := 0
		if kill == kills { // a slow machine gets there in its last life
			done = least
		}
		r.live(t, time.Duration(shortestLife+rand.IntN(longestLife-shortestLife))*time.Millisecond, done)
		r.start(t)
		r.look(t)
		if kill%deepEvery == 0 || kill == kills {
			r.lookDeep(t)
		}
		if t.Failed() {
			t.Fatalf("at kill %d", kill)
		}
	}
	if !r.done(least) {
		t.Errorf("too little got done between the kills to tell anything")
	}
	t.Logf("%d kills in %s: %d acknowledged writes (%d pairings, %d policy edits, %d keys added, %d removed) and %d metered calls; "+
		"0 lost; counter over by at most %d after one kill (block %d); slowest start %s",
		kills, time.Since(began).Round(time.Second), r.paired+r.edits+r.added+r.removed, r.paired, r.edits, r.added, r.removed,
		r.fake.Count(), r.worstOver, tortureBlock, r.slowest.Round(time.Millisecond))
}

// rack is a gateway under torture, and what it has acknowledged.
type rack struct {
	dir, keyFile, listen string
	fake                 *openaifake.Server
	gateway              *exec.Cmd
	log                  *logBuffer
	admin                *admin.Client
	metered              *client.Connection
	meteredID            string
	edited               *editedApp

	apps map[string]bool           // ids of apps whose pairing was acknowledged
	keys map[string]fact           // by label
	docs map[string]map[int64]bool // limits an edited app may have, by its id; 0 is no permission
	over int64                     // of the metered counter, all kills so far

	paired, edits, added, removed int
	worstOver                     int64
	started                       time.Time
	slowest                       time.Duration
}

// done says that so much of everything got done, which is enough to tell something.
func (r *rack) done(least int) bool {
	return r.paired >= least && r.edits >= least && r.added >= least && r.fake.Count() >= least
}

// fact is what must be found after a kill.
type fact int

const (
	there fact = iota + 1
	gone
	either // the answer was lost in the kill
)

func newRack(t *testing.T) *rack {
	t.Helper()
	fake, err := openaifake.Start(openaifake.Config{Key: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.Close() })
	r := &rack{
		dir: t.TempDir(), keyFile: filepath.Join(t.TempDir(), "unlock.key"), listen: freeAddress(t), fake: fake,
		apps: map[string]bool{}, keys: map[string]fact{}, docs: map[string]map[int64]bool{},
	}
	command(t, r.dir, "", "init", "--write-key-file", r.keyFile)
	r.start(t)
	t.Cleanup(r.kill)
	ctx := t.Context()
	if _, err := r.admin.AddKey(ctx, admin.KeyInput{Resource: "llm:openai", Label: "work", BaseURL: fake.BaseURL(), Secret: canaryKey, AllowPrivate: true}); err != nil {
		t.Fatal(err)
	}
	r.keys["work"] = there
	if r.metered, err = r.pair(ctx, meteredName, fmt.Sprintf(`{"resource":"llm:openai","limits":[{"per":"lifetime","requests":%d}]}`, tortureCap)); err != nil {
		t.Fatal(err)
	}
	r.meteredID = r.metered.ClientID()
	r.listen = strings.TrimPrefix(r.metered.Issuer(), "http://")
	r.editAnother(t)
	return r
}

// start runs the gateway on the data directory as the last kill left it. That
// it starts at all is the first promise.
func (r *rack) start(t *testing.T) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.log = &logBuffer{}
	r.gateway = exec.Command(path, "serve", "--data", r.dir, "--listen", r.listen, "--unlock-file", r.keyFile)
	r.gateway.Stdout, r.gateway.Stderr = r.log, r.log
	if err := r.gateway.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func(c *exec.Cmd) { ended <- c.Wait() }(r.gateway)
	deadline := time.After(startTime)
	for {
		if r.admin, err = admin.Dial(r.dir); err == nil {
			if _, err = r.admin.Status(t.Context()); err == nil {
				break
			}
		}
		select {
		case err := <-ended:
			t.Fatalf("the gateway does not start after a kill: %v\n%s", err, r.log)
		case <-deadline:
			t.Fatalf("the gateway does not answer after a kill\n%s", r.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
	r.started = time.Now()
	r.slowest = max(r.slowest, r.started.Sub(began))
}

// kill ends the gateway as kill -9 does. Killing twice is no harm.
func (r *rack) kill() {
	r.admin.Close()
	_ = r.gateway.Process.Kill()
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if errors.Is(r.gateway.Process.Signal(os.Interrupt), os.ErrProcessDone) {
			return
		}
	}
}

// look compares what the gateway says after a kill with what it acknowledged
// before.
func (r *rack) look(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	status, err := r.admin.Status(ctx)
	if err != nil || status.Restored || status.Locked || !status.Initialized {
		t.Fatalf("after a kill: %+v, %v", status, err)
	}
	apps, err := r.admin.Apps(ctx)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, app := range apps {
		found[app.ID] = app.Status
	}
	for id := range r.apps {
		if found[id] != "active" {
			t.Errorf("app %s was acknowledged and is %q", id, found[id])
		}
	}
	r.lookAtPolicies(t, apps)
	r.lookAtKeys(t)
	r.lookAtCounter(t)
	r.editAnother(t)
}

func (r *rack) lookAtKeys(t *testing.T) {
	t.Helper()
	keys, err := r.admin.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]bool{}
	for _, key := range keys {
		stored[key.Label] = true
	}
	for label, want := range r.keys {
		switch {
		case want == there && !stored[label]:
			t.Errorf("key %s was acknowledged and is lost", label)
		case want == gone && stored[label]:
			t.Errorf("key %s was removed and is back", label)
		case want == either && stored[label]:
			r.keys[label] = there
		case want == either:
			r.keys[label] = gone
		}
	}
	for label := range stored {
		if r.keys[label] == 0 {
			t.Errorf("key %s is there and nobody added it", label)
		}
	}
}

// lookAtPolicies looks at every app whose policy was ever edited.
func (r *rack) lookAtPolicies(t *testing.T, apps []admin.App) {
	t.Helper()
	limits := map[string]int64{}
	for _, app := range apps {
		for _, permission := range app.Permissions {
			limits[app.ID] = permission.Limits[0].Requests
		}
	}
	for id, may := range r.docs {
		if !may[limits[id]] {
			t.Errorf("the limit of app %s is %d; acknowledged, or under way at the kill, were %v", id, limits[id], may)
		}
		r.docs[id] = map[int64]bool{limits[id]: true}
	}
}

// lookAtCounter holds the counter against what the provider saw: never under,
// and over by no more than a block for each kill, besides the requests that
// were under way and had not reached the provider.
func (r *rack) lookAtCounter(t *testing.T) {
	t.Helper()
	app, err := r.admin.App(t.Context(), r.meteredID)
	if err != nil || len(app.Usage) != 1 {
		t.Fatalf("the metered app: %+v, %v", app.App, err)
	}
	over := app.Usage[0].Used - int64(r.fake.Count())
	if over < 0 {
		t.Errorf("the counter stands at %d, the provider saw %d", app.Usage[0].Used, r.fake.Count())
	}
	if more := over - r.over; more > tortureBlock+callers {
		t.Errorf("the counter is %d over after one kill, a block is %d", more, tortureBlock)
	}
	r.worstOver = max(r.worstOver, over-r.over)
	r.over = over
}

// lookDeep reads the whole database and the whole audit log: it is a line for
// each request that reached the provider.
func (r *rack) lookDeep(t *testing.T) {
	t.Helper()
	examined, err := r.admin.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range examined.Findings {
		if f.Severity == doctor.Problem {
			t.Errorf("the doctor says: %s: %s", f.Check, f.Message)
		}
	}
	var lines countingWriter
	filter := admin.AuditFilter{Format: "jsonl", Kind: "request.started", App: r.meteredID}
	if err := r.admin.ExportAudit(t.Context(), filter, &lines); err != nil {
		t.Fatal(err)
	}
	if int(lines) < r.fake.Count() {
		t.Errorf("the provider saw %d requests, the audit log %d", r.fake.Count(), lines)
	}
}

// countingWriter counts lines.
type countingWriter int

func (c *countingWriter) Write(p []byte) (int, error) {
	*c += countingWriter(strings.Count(string(p), "\n"))
	return len(p), nil
}

// pair pairs an app that may do what document says.
func (r *rack) pair(ctx context.Context, name, document string) (*client.Connection, error) {
	made, err := r.admin.Pair(ctx, admin.PairInput{Documents: document, Approve: true, Term: admin.Term{Forever: true}})
	if err != nil {
		return nil, err
	}
	return client.Pair(ctx, made.PairingString, client.App{Name: name})
}
