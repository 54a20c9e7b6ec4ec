package ui

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := number(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		part, whole int64
		want        string
	}{{0, 100, "1.5%"}, {1, 1_000_000, "1.5%"}, {50, 100, "50.0%"}, {100, 100, "100.0%"}, {150, 100, "100.0%"}} {
		if got := share(row.part, row.whole); got != row.want {
			t.Errorf("%d of %d is %s, want %s", row.part, row.whole, got, row.want)
		}
	}
}

func TestDayWords(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 25, 9, 30, 0, 0, zone) // the night before had an hour twice
	for want, at := range map[string]time.Time{
		"today 09:30":       now,
		"today 00:00":       time.Date(2026, 10, 25, 0, 0, 0, 0, zone),
		"yesterday 23:59":   time.Date(2026, 10, 24, 23, 59, 59, 0, zone),
		"tomorrow 00:00":    time.Date(2026, 10, 26, 0, 0, 0, 0, zone),
		"23 Oct 12:00":      time.Date(2026, 10, 23, 12, 0, 0, 0, zone),
		"27 Oct 12:00":      time.Date(2026, 10, 27, 12, 0, 0, 0, zone),
		"31 Dec 2025 12:00": time.Date(2025, 12, 31, 12, 0, 0, 0, zone),
	} {
		if got := dayWords(at, now); got != want {
			t.Errorf("%v is %q, want %q", at, got, want)
		}
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/keys", "/requests/req_1", "/device?user_code=WDJB-MJHT", "/activity?only=denied&app=app_1", "/a//b"} {
		if got := local(target); got != target {
			t.Errorf("%q became %q", target, got)
		}
	}
	for _, target := range []string{
		"", "keys", "//elsewhere.example", "///elsewhere.example", "/\\elsewhere.example", "\\\\elsewhere.example", "https://elsewhere.example",
		"https:/keys", "javascript:alert(1)", "/\t/elsewhere.example", "/\n/elsewhere.example", " //elsewhere.example", "/a b", "/%zz", "@elsewhere.example",
		"/" + strings.Repeat("a", 600),
	} {
		if got := local(target); got != "/" {
			t.Errorf("%q became %q, want /", target, got)
		}
	}
}

// FuzzLocal holds that a browser which follows the result stays where it is.
func FuzzLocal(f *testing.F) {
	f.Add("/keys")
	f.Add("//elsewhere.example")
	base, err := url.Parse("https://console.example/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		got := local(target)
		// Browsers drop tabs and newlines and read \ as / (WHATWG URL).
		seen := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(strings.TrimFunc(got, func(r rune) bool { return r <= ' ' }))
		to, err := base.Parse(seen)
		if err != nil || to.Scheme != "https" || to.Host != "console.example" || to.User != nil || strings.HasPrefix(seen, "//") {
			t.Errorf("%q leads to %v", target, to)
		}
	})
}

func TestFuzzSeeds(t *testing.T) {
	t.Parallel()
	seeds, err := filepath.Glob("testdata/fuzz/FuzzLocal/*")
	if err != nil || len(seeds) < 5 {
		t.Errorf("%d seeds for FuzzLocal (%v)", len(seeds), err)
	}
	for _, seed := range seeds {
		if data, err := os.ReadFile(seed); err != nil || !strings.HasPrefix(string(data), "go test fuzz v1\n") {
			t.Errorf("%s is not a seed (%v)", seed, err)
		}
	}
}
