package policy

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		zone, at string
		per      Period
		span     span
		before   span
		ends     string
	}{
		{"UTC", "2026-11-21T12:00:00Z", Day, 20261121, 20261120, "2026-11-22T00:00:00Z"},
		{"UTC", "2026-11-21T23:59:59.999999999Z", Day, 20261121, 20261120, "2026-11-22T00:00:00Z"},
		{"UTC", "2026-11-22T00:00:00Z", Day, 20261122, 20261121, "2026-11-23T00:00:00Z"},
		{"UTC", "2026-12-31T12:00:00Z", Month, 202612, 202611, "2027-01-01T00:00:00Z"},
		{"UTC", "2028-03-01T00:00:00Z", Day, 20280301, 20280229, "2028-03-02T00:00:00Z"},
		{"UTC", "2027-01-31T00:00:00Z", Month, 202701, 202612, "2027-02-01T00:00:00Z"},
		{"UTC", "2026-11-21T12:00:00Z", Lifetime, 0, 0, ""},
		{"UTC", "2026-11-21T12:00:00Z", Minute, 0, 0, ""},
		// The owner's day, not Greenwich's.
		{"Asia/Tokyo", "2026-11-21T15:00:00Z", Day, 20261122, 20261121, "2026-11-23T00:00:00+09:00"},
		{"America/Los_Angeles", "2026-12-01T07:59:59Z", Month, 202611, 202610, "2026-12-01T00:00:00-08:00"},
		// A day of 23 hours and one of 25, and the months around them.
		{"Europe/Berlin", "2026-03-29T00:30:00+01:00", Day, 20260329, 20260328, "2026-03-30T00:00:00+02:00"},
		{"Europe/Berlin", "2026-10-25T23:30:00+01:00", Day, 20261025, 20261024, "2026-10-26T00:00:00+01:00"},
		{"Europe/Berlin", "2026-03-01T00:00:00+01:00", Month, 202603, 202602, "2026-04-01T00:00:00+02:00"},
		// Clocks that skip midnight: the day starts at one.
		{"America/Sao_Paulo", "2018-11-03T23:59:59-03:00", Day, 20181103, 20181102, "2018-11-04T01:00:00-02:00"},
		{"America/Sao_Paulo", "2018-11-04T01:00:00-02:00", Day, 20181104, 20181103, "2018-11-05T00:00:00-02:00"},
		{"Africa/Cairo", "2026-04-23T12:00:00+02:00", Day, 20260423, 20260422, "2026-04-24T01:00:00+03:00"},
		{"Asia/Beirut", "2026-03-28T12:00:00+02:00", Day, 20260328, 20260327, "2026-03-29T01:00:00+03:00"},
		// Clocks that go back at midnight: the last hour of the day comes twice.
		{"America/Sao_Paulo", "2018-02-17T23:30:00-03:00", Day, 20180217, 20180216, "2018-02-18T00:00:00-03:00"},
		// A date that never was.
		{"Pacific/Apia", "2011-12-29T12:00:00-10:00", Day, 20111229, 20111228, "2011-12-31T00:00:00+14:00"},
		{"Pacific/Apia", "2011-12-31T00:00:00+14:00", Day, 20111231, 20111230, "2012-01-01T00:00:00+14:00"},
	} {
		at, err := time.Parse(time.RFC3339Nano, row.at)
		if err != nil {
			t.Fatal(err)
		}
		z := zone(t, row.zone)
		s := row.per.span(at, z)
		ends := ""
		if e := row.per.end(s, z); !e.IsZero() {
			ends = e.Format(time.RFC3339Nano)
			if row.per.span(e, z) <= s || row.per.span(e.Add(-1), z) > s {
				t.Errorf("%s in %s: %s is not where the %s ends", row.at, row.zone, ends, row.per)
			}
		}
		if s != row.span || row.per.before(s) != row.before || ends != row.ends {
			t.Errorf("%s of %s in %s: %d after %d, ends %s; want %d after %d, ends %s",
				row.per, row.at, row.zone, s, row.per.before(s), ends, row.span, row.before, row.ends)
		}
	}
}

// Every hour of two years in zones with odd clocks: spans never go back by
// more than the correction a counter waits out, and ends lie ahead.
func TestPeriodsOverTheYear(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"America/Sao_Paulo", "America/Havana", "America/St_Johns", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin"} {
		z := zone(t, name)
		for _, per := range []Period{Day, Month} {
			at := time.Date(2010, 6, 1, 0, 0, 0, 0, z)
			last := per.span(at, z)
			for range 2 * 366 * 24 * 2 {
				at = at.Add(30 * time.Minute)
				s := per.span(at, z)
				if s < last && s != per.before(last) {
					t.Errorf("%s: at %v the %s fell from %d to %d", name, at, per, last, s)
				}
				if ends := per.end(s, z); !ends.After(at) && s >= last {
					t.Errorf("%s: at %v the %s ended at %v", name, at, per, ends)
				}
				last = s
			}
		}
	}
}

// Real time passes (in a bubble) through the days around a change of clocks,
// and through the end of a month.
func TestDaysAndMonthsPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		berlin := zone(t, "Europe/Berlin")
		b := newBook(t, berlin)
		b.Ledger.clock = time.Now
		d := limits(Limit{Per: Day, Requests: 2}, Limit{Per: Month, Requests: 9})
		sleepUntil := func(y int, m time.Month, day, h, min int) {
			time.Sleep(time.Until(time.Date(y, m, day, h, min, 0, 0, berlin)))
		}
		spent := func(left int64, resets time.Time) {
			t.Helper()
			if got := b.usedUp(d); got != left {
				t.Errorf("at %v %d passed, want %d", time.Now().In(berlin), got, left)
			}
			if denied := b.refused(d, ask, CodeRequestQuotaSpent); !denied.ResetsAt.Equal(resets) || denied.RetryAfter != time.Until(resets) {
				t.Errorf("at %v: %+v, want a reset at %v", time.Now().In(berlin), denied, resets)
			}
		}
		midnight := func(m time.Month, day int) time.Time { return time.Date(2000, m, day, 0, 0, 0, 0, berlin) }

		sleepUntil(2000, time.March, 25, 23, 59)
		spent(2, midnight(time.March, 26))
		time.Sleep(time.Minute) // the day of 23 hours
		spent(2, midnight(time.March, 27))
		time.Sleep(22*time.Hour + 59*time.Minute)
		spent(0, midnight(time.March, 27))
		time.Sleep(time.Minute)
		spent(2, midnight(time.March, 28))
		sleepUntil(2000, time.March, 30, 12, 0)
		spent(2, midnight(time.March, 31))
		sleepUntil(2000, time.March, 31, 12, 0)
		spent(1, midnight(time.April, 1)) // the month's ninth
		sleepUntil(2000, time.April, 1, 0, 0)
		spent(2, midnight(time.April, 2))

		sleepUntil(2000, time.October, 29, 0, 0) // the day of 25 hours
		spent(2, midnight(time.October, 30))
		time.Sleep(24*time.Hour + 59*time.Minute)
		spent(0, midnight(time.October, 30))
		time.Sleep(time.Minute)
		spent(2, midnight(time.October, 31))
	})
}

// Budgets of money through the end of a month and the days of 23 and 25 hours,
// in a zone that is not Greenwich's, with a stream running over each end.
func TestBudgetsPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		newYork := zone(t, "America/New_York")
		b := newBook(t, newYork)
		b.Ledger.clock = time.Now
		d := limits(Limit{Per: Day, Dollars: 20_000}, Limit{Per: Month, Dollars: 70_000}, Limit{Per: Lifetime, Tokens: 1_000_000})
		until := func(m time.Month, day, h, min int) {
			time.Sleep(time.Until(time.Date(2000, m, day, h, min, 0, 0, newYork)))
		}
		// spend takes all it can get and tells how much.
		spend := func(code string, resets time.Time) (all int64) {
			t.Helper()
			for {
				r, err := b.Reserve("per_a", d, asking(1000))
				if err != nil {
					denied := wantDenied(t, err, code)
					if !denied.ResetsAt.Equal(resets) {
						t.Errorf("at %v: resets at %v, want %v", time.Now().In(newYork), denied.ResetsAt.In(newYork), resets)
					}
					return all
				}
				r.Settle(r.Held())
				all += takes(2, r.Held())
			}
		}
		day := func(m time.Month, day int) time.Time { return time.Date(2000, m, day, 0, 0, 0, 0, newYork) }
		over := func(stream *Reservation, output int64) { // it began yesterday and ends today
			t.Helper()
			u := Usage{InputTokens: 100, OutputTokens: output}
			before := b.states(d)[0]
			if err := stream.Grow(u); err != nil {
				t.Error(err)
			}
			stream.Settle(u)
			if now := b.states(d)[0]; now != before {
				t.Errorf("at %v: yesterday's stream counts today: %s, before %s", time.Now().In(newYork), now, before)
			}
		}
		want := func(got, want int64) {
			t.Helper()
			if got > want || got < want-want/6 { // a running stream is left some room
				t.Errorf("at %v: %d could be spent, want %d", time.Now().In(newYork), got, want)
			}
		}

		until(time.April, 1, 12, 0)
		want(spend(CodeDollarBudgetSpent, day(time.April, 2)), 20_000)
		until(time.April, 2, 0, 0) // of 23 hours: clocks go from two to three
		if resets := b.Limits("per_a", d)[0].ResetsAt; time.Until(resets) != 23*time.Hour {
			t.Errorf("resets at %v", resets)
		}
		stream := b.reserve(d, flowing(0))
		until(time.April, 2, 23, 59)
		want(spend(CodeBudgetHeld, day(time.April, 3)), 20_000-2860)
		time.Sleep(time.Minute)
		over(stream, 260)
		until(time.April, 30, 23, 59)
		stream = b.reserve(d, flowing(0))
		want(spend(CodeBudgetHeld, day(time.May, 1)), 20_000-2860)
		time.Sleep(time.Minute) // the month ends
		month := b.states(d)[1]
		over(stream, 200)
		if now := b.states(d)[1]; now != month || now != "0+0" {
			t.Errorf("April's stream counts in May: %s", now)
		}
		for n := 1; n <= 3; n++ {
			want(spend(CodeDollarBudgetSpent, day(time.May, n+1)), 20_000)
			until(time.May, n+1, 0, 0)
		}
		want(spend(CodeDollarBudgetSpent, day(time.June, 1)), 10_000) // the month's rest

		until(time.October, 29, 0, 0) // of 25 hours: clocks go back at two
		want(spend(CodeDollarBudgetSpent, day(time.October, 30)), 20_000)
		time.Sleep(24*time.Hour + 59*time.Minute)
		want(spend(CodeDollarBudgetSpent, day(time.October, 30)), 0)
		time.Sleep(time.Minute)
		want(spend(CodeDollarBudgetSpent, day(time.October, 31)), 20_000)
	})
}

// A request belongs to the period it was reserved in.
func TestPeriodEndsWhileHeld(t *testing.T) {
	t.Parallel()
	b := newBook(t, time.UTC)
	d := limits(Limit{Per: Day, Requests: 3})
	rs := b.take(d, 3)
	b.move(12 * time.Hour)
	if got := b.states(d)[0]; got != "0+0" {
		t.Errorf("the new day starts with %s", got)
	}
	b.take(d, 1)
	rs[0].Settle(Usage{})
	rs[1].Release()
	if got := b.states(d)[0]; got != "0+1" {
		t.Errorf("yesterday's ends changed today to %s", got)
	}
	b.crash()
	if got := b.usedUp(d); got > 2 || got < 1 {
		t.Errorf("after a crash %d more passed, want 2 less at most a block", got)
	}
}

func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	d := limits(Limit{Per: Day, Requests: 10})
	for _, row := range []struct {
		name string
		run  func(b *book) (left int64)
	}{
		{"within the day", func(b *book) int64 {
			b.use(d, 4)
			b.move(-11 * time.Hour)
			return b.usedUp(d)
		}},
		{"over midnight, the later day goes on", func(b *book) int64 {
			b.use(d, 4)
			b.move(-13 * time.Hour)
			return b.usedUp(d)
		}},
		{"over midnight and forth again", func(b *book) int64 {
			b.use(d, 2)
			b.move(-13 * time.Hour)
			b.use(d, 2)
			b.move(13 * time.Hour)
			return b.usedUp(d)
		}},
		{"far back, the count goes along", func(b *book) int64 {
			b.use(d, 4)
			b.move(-1000 * 24 * time.Hour)
			return b.usedUp(d)
		}},
		{"far ahead and back, the day's count is found again", func(b *book) int64 {
			b.use(d, 3)
			b.move(5000 * 24 * time.Hour)
			b.use(d, 1)
			b.move(-5000 * 24 * time.Hour)
			return b.usedUp(d)
		}},
		{"far ahead, a restart, and back", func(b *book) int64 {
			b.use(d, 3)
			b.move(5000 * 24 * time.Hour)
			b.use(d, 1)
			b.close()
			b.open()
			b.move(-5000 * 24 * time.Hour)
			return b.usedUp(d)
		}},
	} {
		b := newBook(t, time.UTC)
		if left := row.run(b); left != 6 {
			t.Errorf("%s: %d more passed, want 6", row.name, left)
		}
		if ends := b.Limits("per_a", d)[0].ResetsAt; ends.Sub(b.readClock()) > 48*time.Hour {
			t.Errorf("%s: resets only at %v", row.name, ends)
		}
	}
}

// Whatever way a clock jumps, none of the periods it comes back to starts anew.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }
	for _, row := range []struct {
		days []int
		used []int // before each
		last int64
	}{
		{[]int{5, 7, 9, 5}, []int{10, 0, 0}, 10},
		{[]int{5, 7, 9, 5}, []int{0, 10, 1}, 10},
		{[]int{5, 7, 9, 12, 7}, []int{9, 0, 3, 2}, 3}, // day 5 is another
		{[]int{5, 7, 9, 12, 5}, []int{0, 4, 0, 6}, 6},
		{[]int{5, 7, 9, 5, 9}, []int{2, 2, 2, 2}, 0}, // forward: a new day
	} {
		for _, restart := range []bool{false, true} {
			b := newBook(t, time.UTC)
			d := limits(Limit{Per: Day, Requests: 10})
			for i, n := range row.used {
				b.set(day(row.days[i]))
				b.use(d, n)
				if n == 0 {
					b.states(d)
				}
			}
			if restart {
				b.close()
				b.open()
			}
			b.set(day(row.days[len(row.days)-1]))
			if got := b.states(d)[0]; got != fmt.Sprintf("%d+0", row.last) {
				t.Errorf("%v, restarted %v: %s, want %d", row.days, restart, got, row.last)
			}
		}
	}
}
