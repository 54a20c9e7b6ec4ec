package owner

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// office is an Owner in its data directory, which can be restarted.
type office struct {
	t     *testing.T
	dir   string
	now   atomic.Int64
	setUp atomic.Bool
	store *store.Store
	*Owner
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir()}
	o.now.Store(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC).UnixNano())
	o.start()
	t.Cleanup(func() { _ = o.store.Close() })
	return o
}

func (o *office) start() {
	o.t.Helper()
	var err error
	o.store, err = store.Open(store.Config{Dir: o.dir})
	must(o.t, err)
	o.Owner, err = New(Config{
		Store: o.store,
		Clock: func() time.Time { return time.Unix(0, o.now.Load()) },
		SetUp: o.setUp.Load,
	})
	must(o.t, err)
}

func (o *office) restart() {
	o.t.Helper()
	must(o.t, o.store.Close())
	o.start()
}

func (o *office) advance(d time.Duration) { o.now.Add(int64(d)) }

func (o *office) signIn() string {
	o.t.Helper()
	token, err := o.StartSession()
	must(o.t, err)
	return token
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestNewRequiresAStore(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("opened without a store")
	}
}

func TestSetupToken(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if o.CheckSetupToken("") {
		t.Fatal("no token matches the empty one")
	}
	is(t, o.SpendSetupToken(""), ErrSetupToken)
	token, err := o.SetupToken()
	must(t, err)
	if again, err := o.SetupToken(); err != nil || again != token || len(token) < 43 {
		t.Fatalf("asked twice: another token, a short one or %v", err)
	}
	for _, wrong := range []string{"", token[1:], token + "a", strings.ToUpper(token)} {
		if o.CheckSetupToken(wrong) {
			t.Fatal("a wrong token passes")
		}
		is(t, o.SpendSetupToken(wrong), ErrSetupToken)
	}
	if !o.CheckSetupToken(token) {
		t.Fatal("the token does not pass")
	}

	o.restart()
	if o.CheckSetupToken(token) {
		t.Fatal("the token of another process passes")
	}
	token, err = o.SetupToken()
	must(t, err)
	o.setUp.Store(true)
	if o.CheckSetupToken(token) {
		t.Fatal("the token passes after set-up")
	}
	_, err = o.SetupToken()
	is(t, err, ErrSetUp)
	must(t, o.SpendSetupToken(token))
	is(t, o.SpendSetupToken(token), ErrSetupToken)
}

func TestSetupTokenIsSpentOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	token, err := o.SetupToken()
	must(t, err)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if o.SpendSetupToken(token) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || o.CheckSetupToken(token) {
		t.Errorf("spent %d times", won.Load())
	}
}

func TestSessionExpiry(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	token := o.signIn()
	for _, wrong := range []string{"", "x", token[1:], hashOf(token)} {
		is(t, o.Session(wrong), ErrNoSession)
	}
	o.advance(IdleExpiry - 1)
	must(t, o.Session(token))
	o.advance(IdleExpiry - 1)
	o.restart() // the use was stored
	must(t, o.Session(token))
	o.advance(IdleExpiry)
	is(t, o.Session(token), ErrNoSession)

	token = o.signIn()
	for range int(AbsoluteExpiry/time.Hour) - 1 {
		o.advance(time.Hour)
		must(t, o.Session(token))
	}
	o.advance(time.Hour)
	is(t, o.Session(token), ErrNoSession)
}

func TestEndingSessions(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first, second, third := o.signIn(), o.signIn(), o.signIn()
	must(t, o.EndSession(first))
	must(t, o.EndSession(first))
	must(t, o.EndSession("none"))
	is(t, o.Session(first), ErrNoSession)
	must(t, o.Session(second))
	o.restart()
	is(t, o.Session(first), ErrNoSession)
	must(t, o.Session(second))
	must(t, o.EndAllSessions())
	o.restart()
	is(t, o.Session(second), ErrNoSession)
	is(t, o.Session(third), ErrNoSession)
}

// What could not be written must be by the next try, which is no success
// before that.
func TestEndingSessionsAgain(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(o *office, token string) error{
		"one": func(o *office, token string) error { return o.EndSession(token) },
		"all": func(o *office, _ string) error { return o.EndAllSessions() },
	} {
		o := newOffice(t)
		token := o.signIn()
		must(t, o.store.Close())
		for range 2 {
			if end(o, token) == nil {
				t.Errorf("%s: a success without a store", name)
			}
			is(t, o.Session(token), ErrNoSession)
		}
		var err error
		o.store, err = store.Open(store.Config{Dir: o.dir})
		must(t, err)
		o.Owner.store = o.store
		must(t, end(o, token))
		o.restart()
		is(t, o.Session(token), ErrNoSession)
	}
}

// A session used at the moment it ends must not be written back.
func TestEndedSessionStaysEnded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	token := o.signIn()
	s := o.sessions[hashOf(token)]
	must(t, o.EndSession(token))
	o.touch(hashOf(token), s)
	o.restart()
	is(t, o.Session(token), ErrNoSession)
}

func TestSessionsAreCapped(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var tokens []string
	for range MaxSessions {
		tokens = append(tokens, o.signIn())
		o.advance(time.Second)
	}
	must(t, o.Session(tokens[0])) // now the second is the least recently used
	extra := o.signIn()
	for range 2 {
		is(t, o.Session(tokens[1]), ErrNoSession)
		for i, token := range append(tokens[2:], tokens[0], extra) {
			if err := o.Session(token); err != nil {
				t.Fatalf("session %d: %v", i, err)
			}
		}
		o.restart()
	}

	o.advance(IdleExpiry)
	o.signIn()
	if len(o.sessions) != 1 {
		t.Errorf("%d sessions are kept, want only the live one", len(o.sessions))
	}
}

func TestUseIsRarelyWritten(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	token := o.signIn()
	hash := hashOf(token)
	stored := func() (s session) {
		must(t, o.store.View(func(tx *store.Tx) (err error) {
			s, err = sessions.Get(tx, hash)
			return err
		}))
		return s
	}
	began := stored().UsedAt
	o.restart()
	o.advance(touchEvery - 1)
	must(t, o.Session(token))
	if !stored().UsedAt.Equal(began) {
		t.Error("each use is written")
	}
	o.advance(1)
	must(t, o.Session(token))
	if got := stored().UsedAt.Sub(began); got != touchEvery {
		t.Errorf("stored use is %v after the beginning, want %v", got, touchEvery)
	}
}

func TestSessionsConcurrently(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			token, err := o.StartSession()
			if err != nil {
				t.Error(err)
				return
			}
			o.advance(touchEvery)
			if err := o.Session(token); err != nil {
				t.Error(err)
			}
			if err := o.EndSession(token); err != nil {
				t.Error(err)
			}
			if err := o.Session(token); !errors.Is(err, ErrNoSession) {
				t.Error("ended session passes")
			}
		})
	}
	wg.Wait()
}

func TestNoTokenInTheDataDirectory(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	setup, err := o.SetupToken()
	must(t, err)
	token := o.signIn()
	must(t, o.store.Close())
	entries, err := os.ReadDir(o.dir)
	must(t, err)
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(o.dir, e.Name()))
		must(t, err)
		if bytes.Contains(raw, []byte(token)) || bytes.Contains(raw, []byte(setup)) || bytes.Contains(raw, []byte(hashOf(token))) {
			t.Errorf("%s holds a token", e.Name())
		}
	}
}

func TestCookie(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	secure, err := New(Config{Store: o.store, Secure: true})
	must(t, err)
	for _, row := range []struct {
		owner  *Owner
		prefix string
		secure bool
	}{{o.Owner, "keywicket-", false}, {secure, "__Host-keywicket-", true}} {
		c := row.owner.Cookie("token")
		if err := c.Valid(); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(c.Name, row.prefix) || c.Secure != row.secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie: %v", c)
		}
		if c.MaxAge <= 0 || row.owner.Cookie("").MaxAge >= 0 {
			t.Error("ages: a token must last, and no token must clear the cookie")
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if got := row.owner.Token(r); got != "" {
			t.Errorf("token of a request without one: %q", got)
		}
		r.AddCookie(c)
		if got := row.owner.Token(r); got != "token" {
			t.Errorf("token: %q", got)
		}
		r.AddCookie(row.owner.Cookie("planted"))
		if got := row.owner.Token(r); got != "" {
			t.Errorf("token of a request with two: %q", got)
		}
	}
	if other := newOffice(t); other.Cookie("").Name == o.Cookie("").Name {
		t.Error("two data directories share a cookie name")
	}
}
