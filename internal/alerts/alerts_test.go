package alerts_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/store"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// openStore opens a data directory until the test ends.
func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// desk is a board on a real store, with a clock that the test sets.
type desk struct {
	*alerts.Board
	t   *testing.T
	dir string
	db  *store.Store

	mu  sync.Mutex
	now time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), now: noon}
	d.open()
	t.Cleanup(d.close)
	return d
}

func (d *desk) open() {
	d.t.Helper()
	d.db = openStore(d.t, d.dir)
	var err error
	d.Board, err = alerts.New(alerts.Config{Store: d.db, Clock: d.clock})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) close() {
	d.t.Helper()
	if err := errors.Join(d.Close(), d.db.Close()); err != nil {
		d.t.Error(err)
	}
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

func crossing(percent int) alerts.Crossing {
	return alerts.Crossing{
		AppID: "app_a", AppName: "Notes", Resource: "llm:openai",
		Limit: alerts.Limit{Permission: "perm_a", Per: "day", Unit: "dollars", Used: 1_250_000_000, Cap: 1_500_000_000, Percent: percent, ResetsAt: noon.Add(12 * time.Hour)},
	}
}

func denial(app string) alerts.Denial {
	return alerts.Denial{AppID: app, AppName: "Notes", Resource: "llm:openai", Code: "model_not_allowed"}
}

func (d *desk) kinds() []alerts.Kind {
	var kinds []alerts.Kind
	for _, a := range d.List() {
		kinds = append(kinds, a.Kind)
	}
	return kinds
}

func TestBoard(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Crossed(crossing(80))
	d.later(time.Hour)
	d.Crossed(crossing(100))
	if got := d.kinds(); !slices.Equal(got, []alerts.Kind{alerts.LimitReached, alerts.LimitNear}) || d.Unread() != 2 {
		t.Fatalf("%v, %d unread", got, d.Unread())
	}
	near := d.List()[1]
	if !near.Time.Equal(noon) || near.AppID != "app_a" || near.Limit.Cap != 1_500_000_000 {
		t.Errorf("%+v", near)
	}
	if err := d.Dismiss(near.ID); err != nil || d.Unread() != 1 {
		t.Errorf("dismissing: %v, %d unread", err, d.Unread())
	}
	if err := d.Dismiss("alert_nothing"); !errors.Is(err, alerts.ErrNoAlert) {
		t.Errorf("dismissing what is not there: %v", err)
	}
	d.close()
	d.open()
	if got := d.List(); len(got) != 2 || !got[1].Dismissed || got[0].Dismissed || fmt.Sprint(*got[1].Limit) != fmt.Sprint(*near.Limit) {
		t.Errorf("after a restart: %+v", got)
	}
	if n, err := d.DismissAll(); n != 1 || err != nil || d.Unread() != 0 {
		t.Errorf("dismissed %d, %v", n, err)
	}
	if n, err := d.DismissAll(); n != 0 || err != nil {
		t.Errorf("dismissed %d, %v", n, err)
	}
}

func TestBoardIsBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := d.SetWebhook("http://127.0.0.1:1/"); err != nil { // nobody is there
		t.Fatal(err)
	}
	for i := range alerts.Kept + 50 {
		c := crossing(80)
		c.AppID = fmt.Sprint("app_", i)
		d.Crossed(c)
	}
	all := d.List()
	if len(all) != alerts.Kept || all[0].AppID != fmt.Sprint("app_", alerts.Kept+49) || all[alerts.Kept-1].AppID != "app_50" {
		t.Errorf("%d alerts, from %s to %s", len(all), all[0].AppID, all[len(all)-1].AppID)
	}
	if hook, _ := d.Webhook(); hook.Pending > alerts.Kept {
		t.Errorf("%d pending", hook.Pending)
	}
	if n := d.Raised()[alerts.LimitNear]; n != alerts.Kept+50 {
		t.Errorf("%d raised", n)
	}
}

// TestBurst: twenty refusals within a minute are one alert, and the next comes
// no sooner than a quarter of an hour later.
func TestBurst(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 19 {
		d.Denied(denial("app_a"))
	}
	d.Denied(denial("app_b"))
	d.later(61 * time.Second)
	d.Denied(denial("app_a"))
	if got := d.kinds(); got != nil {
		t.Fatalf("19 in a minute, then one more: %v", got)
	}
	for range 19 {
		d.later(time.Second)
		d.Denied(denial("app_a"))
	}
	want := []alerts.Kind{alerts.DeniedBurst}
	if got := d.kinds(); !slices.Equal(got, want) {
		t.Fatalf("20 in 19 seconds: %v", got)
	}
	if b := d.List()[0].Denied; b.Count != 20 || b.Seconds != 19 || b.Code != "model_not_allowed" {
		t.Errorf("%+v", *b)
	}
	for range 14 * 60 {
		d.later(time.Second)
		d.Denied(denial("app_a"))
	}
	if got := d.kinds(); !slices.Equal(got, want) {
		t.Errorf("within a quarter of an hour: %v", got)
	}
	for range 60 {
		d.later(time.Second)
		d.Denied(denial("app_a"))
	}
	if got := d.kinds(); len(got) != 2 {
		t.Errorf("after a quarter of an hour: %v", got)
	}
}

func TestBurstsOfManyApps(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 20_000 {
		d.Denied(denial(fmt.Sprint("app_", i)))
	}
	for range 20 {
		d.Denied(denial("app_last"))
	}
	if got := d.kinds(); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	limit := func(percent int, amount int64, unit, per, model string) alerts.Alert {
		return alerts.Alert{Limit: &alerts.Limit{Per: per, Unit: unit, Cap: amount, Percent: percent, Model: model}}
	}
	for _, row := range []struct {
		alert alerts.Alert
		want  string
	}{
		{limit(80, 1000, "requests", "day", ""), "has used 80 % of its 1,000 requests a day"},
		{limit(100, 1, "requests", "lifetime", ""), "has used up its 1 request in all"},
		{limit(100, 2_000_000, "tokens", "month", "gpt-4o*"), "has used up its 2,000,000 tokens a month for gpt-4o*"},
		{limit(80, 1_500_000_000, "dollars", "day", ""), "has used 80 % of its $1.50 a day"},
		{limit(80, 20_000_000_000, "dollars", "month", ""), "has used 80 % of its $20 a month"},
		{limit(80, 1, "dollars", "minute", ""), "has used 80 % of its $0.000000001 a minute"},
		{alerts.Alert{Denied: &alerts.Burst{Count: 20, Seconds: 7, Code: "rate_limited"}}, "was refused 20 times within 7 seconds, last with rate_limited"},
	} {
		if got := row.alert.Words(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

func TestWebhookURLs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, row := range []struct {
		url string
		ok  bool
	}{
		{"https://example.com/hook?key=1", true}, {"http://127.0.0.1:8080/", true}, {"http://localhost/", true}, {"http://[::1]:9/", true},
		{"http://example.com/", false}, {"http://127.0.0.1.example.com/", false}, {"http://10.0.0.1/", false},
		{"https://me:secret@example.com/", false}, {"https://example.com/#part", false}, {"ftp://example.com/", false},
		{"https:example.com", false}, {"example.com", false}, {"", false}, {"https://" + strings.Repeat("a", 2050), false},
	} {
		_, err := d.SetWebhook(row.url)
		if row.ok && err != nil || !row.ok && !errors.Is(err, alerts.ErrURL) {
			t.Errorf("%.60q: %v", row.url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 50 {
				d.Crossed(crossing(80))
				d.Denied(denial(fmt.Sprint("app_", i)))
				d.List()
				d.Raised()
				if i == 0 {
					if _, err := d.DismissAll(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := d.Raised()[alerts.LimitNear]; n != 16*50 {
		t.Errorf("%d raised", n)
	}
}
