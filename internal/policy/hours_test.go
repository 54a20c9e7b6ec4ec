package policy

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHoursHold(t *testing.T) {
	t.Parallel()
	office := Hours{From: 9 * 60, To: 18 * 60, Days: []Weekday{"mon", "tue", "wed", "thu", "fri"}}
	night := Hours{From: 22 * 60, To: 6 * 60, Days: []Weekday{"fri"}}
	skipped := Hours{From: 2 * 60, To: 3 * 60}
	small := Hours{From: 60, To: 2*60 + 30}
	for _, row := range []struct {
		name, zone, at string
		hours          Hours
		want           bool
	}{
		{"a Friday's morning", "Europe/Berlin", "2026-11-20T09:00:00+01:00", office, true},
		{"just before it", "Europe/Berlin", "2026-11-20T08:59:59.999999999+01:00", office, false},
		{"its last moment", "Europe/Berlin", "2026-11-20T17:59:59.999999999+01:00", office, true},
		{"its end", "Europe/Berlin", "2026-11-20T18:00:00+01:00", office, false},
		{"a Saturday", "Europe/Berlin", "2026-11-21T12:00:00+01:00", office, false},
		{"Monday there, Sunday in Greenwich", "Pacific/Auckland", "2026-11-22T21:00:00Z", office, true},

		{"the night's first moment", "Europe/Berlin", "2026-11-20T22:00:00+01:00", night, true},
		{"past midnight it is still Friday's night", "Europe/Berlin", "2026-11-21T00:00:00+01:00", night, true},
		{"its last moment", "Europe/Berlin", "2026-11-21T05:59:59+01:00", night, true},
		{"its end", "Europe/Berlin", "2026-11-21T06:00:00+01:00", night, false},
		{"the night before belongs to Thursday", "Europe/Berlin", "2026-11-20T01:00:00+01:00", night, false},
		{"the night after to Saturday", "Europe/Berlin", "2026-11-21T22:00:00+01:00", night, false},

		{"until midnight", "UTC", "2026-11-20T23:59:59Z", Hours{From: 18 * 60, To: endOfDay}, true},
		{"until midnight, over", "UTC", "2026-11-21T00:00:00Z", Hours{From: 18 * 60, To: endOfDay}, false},
		{"until midnight, written 00:00", "UTC", "2026-11-21T00:00:00Z", Hours{From: 18 * 60, To: 0}, false},
		{"before midnight, written 00:00", "UTC", "2026-11-20T23:59:59Z", Hours{From: 18 * 60, To: 0}, true},

		// The last Sunday of March: two o'clock is three.
		{"nine is nine before the change", "Europe/Berlin", "2026-03-27T09:00:00+01:00", office, true},
		{"and nine after it", "Europe/Berlin", "2026-03-30T09:00:00+02:00", office, true},
		{"though an hour earlier in Greenwich", "Europe/Berlin", "2026-03-30T08:30:00+02:00", office, false},
		{"just before the hour that is left out", "Europe/Berlin", "2026-03-29T01:59:59+01:00", skipped, false},
		{"just after it", "Europe/Berlin", "2026-03-29T03:00:00+02:00", skipped, false},
		{"a window that ends in it", "Europe/Berlin", "2026-03-29T01:59:59+01:00", small, true},
		{"is over after it", "Europe/Berlin", "2026-03-29T03:00:00+02:00", small, false},
		{"one that starts in it", "Europe/Berlin", "2026-03-29T03:00:00+02:00", Hours{From: 150, To: 240}, true},

		// The last Sunday of October: from two to three comes twice.
		{"the first time", "Europe/Berlin", "2026-10-25T02:15:00+02:00", skipped, true},
		{"the second time", "Europe/Berlin", "2026-10-25T02:15:00+01:00", skipped, true},
		{"nine after the change", "Europe/Berlin", "2026-10-26T09:00:00+01:00", office, true},
		{"eight after the change", "Europe/Berlin", "2026-10-26T08:00:00+01:00", office, false},

		// Clocks that skip midnight: the night goes on into the day after.
		{"no midnight", "America/Sao_Paulo", "2018-11-04T01:00:00-02:00", Hours{From: 22 * 60, To: 6 * 60, Days: []Weekday{"sat"}}, true},
	} {
		at, err := time.Parse(time.RFC3339Nano, row.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := row.hours.hold(at.In(zone(t, row.zone))); got != row.want {
			t.Errorf("%s: at %s in %s, %s: %v", row.name, row.at, row.zone, row.hours.words(), got)
		}
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	office := &Hours{From: 9 * 60, To: 18 * 60, Days: []Weekday{"mon", "tue", "wed", "thu", "fri"}}
	weekend := &Hours{To: endOfDay, Days: []Weekday{"sat", "sun"}}
	instant := func(text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, row := range []struct {
		name, zone, now, expires string
		hours                    *Hours
		want                     string
	}{
		{"forever", "UTC", "2026-11-21T12:00:00Z", "", nil, ""},
		{"expiry", "UTC", "2026-11-21T12:00:00Z", "2026-12-01T00:00:00Z", nil, "2026-12-01T00:00:00Z"},
		{"expired", "UTC", "2026-11-21T12:00:00Z", "2026-11-01T00:00:00Z", nil, "2026-11-21T12:00:00Z"},
		{"end of hours", "Europe/Berlin", "2026-11-20T12:00:00+01:00", "", office, "2026-11-20T18:00:00+01:00"},
		{"expiry first", "Europe/Berlin", "2026-11-20T12:00:00+01:00", "2026-11-20T13:00:00+01:00", office, "2026-11-20T13:00:00+01:00"},
		{"hours first", "Europe/Berlin", "2026-11-20T12:00:00+01:00", "2026-11-20T19:00:00+01:00", office, "2026-11-20T18:00:00+01:00"},
		{"outside", "Europe/Berlin", "2026-11-20T20:00:00+01:00", "", office, "2026-11-20T20:00:00+01:00"},
		{"two whole days", "Europe/Berlin", "2026-11-21T12:00:00+01:00", "", weekend, "2026-11-23T00:00:00+01:00"},
		{"two whole days, one of 23 hours", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "", weekend, "2026-03-30T00:00:00+02:00"},
		{"two whole days, one of 25 hours", "Europe/Berlin", "2026-10-24T12:00:00+02:00", "", weekend, "2026-10-26T00:00:00+01:00"},
		{"over midnight", "UTC", "2026-11-20T23:00:00Z", "", &Hours{From: 22 * 60, To: 6 * 60}, "2026-11-21T06:00:00Z"},
		{"over midnight into a change", "Europe/Berlin", "2026-03-28T23:00:00+01:00", "", &Hours{From: 22 * 60, To: 6 * 60}, "2026-03-29T06:00:00+02:00"},
		{"ends in the hour left out", "Europe/Berlin", "2026-03-29T01:30:00+01:00", "", &Hours{From: 60, To: 150}, "2026-03-29T03:00:00+02:00"},
		{"ends in the hour that comes twice", "Europe/Berlin", "2026-10-25T02:15:00+02:00", "", &Hours{From: 60, To: 150}, "2026-10-25T02:30:00+02:00"},
		{"and again", "Europe/Berlin", "2026-10-25T02:15:00+01:00", "", &Hours{From: 60, To: 150}, "2026-10-25T02:30:00+01:00"},
		{"thrown out by the change", "Europe/Berlin", "2026-10-25T02:45:00+02:00", "", &Hours{From: 150, To: 240}, "2026-10-25T02:00:00+01:00"},
		{"ends in an hour left out from a minute past midnight on", "America/St_Johns", "2011-03-12T23:30:00-03:30", "", &Hours{From: 60, To: 30, Days: []Weekday{"sat"}}, "2011-03-13T01:01:00-02:30"},
		{"all but one minute", "UTC", "2026-11-20T12:00:00Z", "", &Hours{From: 1, To: 0}, "2026-11-21T00:00:00Z"},
	} {
		d := Document{Hours: row.hours, ExpiresAt: instant(row.expires)}
		if got := d.Until(instant(row.now), zone(t, row.zone)); !got.Equal(instant(row.want)) {
			t.Errorf("%s: until %v, want %s", row.name, got, row.want)
		}
	}
	if now := instant("2026-11-20T12:00:00Z"); !(Document{Hours: office}).Until(now, nil).Equal(now) {
		t.Error("hours hold by nobody's clock")
	}
}

// Until is where holding ends, found step by step.
func TestUntilIsTheFirstEnd(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{zone(t, "Europe/Berlin"), zone(t, "America/Sao_Paulo"), zone(t, "Australia/Lord_Howe"), zone(t, "Pacific/Apia"), zone(t, "America/St_Johns")}
	windows := rapid.Custom(func(rt *rapid.T) Hours {
		return Hours{
			From: TimeOfDay(rapid.IntRange(0, 47).Draw(rt, "from") * 30),
			To:   TimeOfDay(rapid.IntRange(0, 48).Draw(rt, "to") * 30),
			Days: rapid.SliceOfNDistinct(rapid.SampledFrom(weekdays[:]), 1, 7, rapid.ID).Draw(rt, "days"),
		}
	}).Filter(func(h Hours) bool { return h.validate() == nil })
	rapid.Check(t, func(rt *rapid.T) {
		z := rapid.SampledFrom(zones).Draw(rt, "zone")
		h := windows.Draw(rt, "hours")
		// Around the changes of 2011 and 2018, of which one is at a minute past midnight.
		start := time.Date(rapid.SampledFrom([]int{2011, 2018}).Draw(rt, "year"), 1, 1, 0, 0, 0, 0, z)
		now := start.Add(time.Duration(rapid.IntRange(0, 2*24*364).Draw(rt, "at")) * 30 * time.Minute)
		want := now
		for h.hold(want) {
			want = want.Add(time.Minute)
		}
		if got := (Document{Hours: &h}).Until(now, z); !got.Equal(want) {
			rt.Fatalf("%s from %v: until %v, want %v", h.words(), now, got, want)
		}
	})
}

func TestHoursWords(t *testing.T) {
	t.Parallel()
	for want, h := range map[string]Hours{
		"Weekdays 09:00 to 18:00":               {From: 540, To: 1080, Days: []Weekday{"fri", "mon", "tue", "wed", "thu"}},
		"Weekends, all day":                     {To: endOfDay, Days: []Weekday{"sat", "sun"}},
		"Every day 22:00 to 06:00 the next day": {From: 1320, To: 360},
		"Every day 18:00 to 00:00":              {From: 1080},
		"Mon, Wed, Sun 00:01 to 00:02":          {From: 1, To: 2, Days: []Weekday{"sun", "wed", "mon"}},
	} {
		if got := h.words(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
