package ui

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	colour = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)
)

// TestContrast holds every pair of colours that text is set in to WCAG 2.2,
// AA: 4.5 : 1 for text, 3 : 1 for the edges of controls and for bars.
func TestContrast(t *testing.T) {
	t.Parallel()
	sheet, err := staticFiles.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, ok := strings.Cut(string(sheet), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark theme")
	}
	dark, _, _ := strings.Cut(rest, "/* Elements */")
	const text, shape = 4.5, 3
	for theme, block := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]float64{}
		for _, m := range colour.FindAllStringSubmatch(block, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for pair, least := range map[string]float64{
			"ink on paper": text, "ink on card": text, "ink on sunken": text,
			"quiet on paper": text, "quiet on card": text, "quiet on sunken": text,
			"ink on accent-wash": text, "ink on warn-wash": text, "ink on frost-wash": text, "ink on bad-wash": text,
			"quiet on accent-wash": text, "quiet on warn-wash": text,
			"accent on paper": text, "accent on card": text, "accent-strong on accent-wash": text,
			"on-accent on accent": text, "on-accent on accent-strong": text, "on-bad on bad": text, "on-bad on bad-strong": text,
			"good on card": text, "good on good-wash": text, "warn on card": text, "warn on warn-wash": text,
			"bad on card": text, "bad on paper": text, "bad on bad-wash": text, "bad-strong on bad-wash": text,
			"frost on frost-wash": text, "card on warn": text,
			"edge on card": shape, "meter on card": shape, "warn on sunken": shape, "bad on sunken": shape,
		} {
			front, back, _ := strings.Cut(pair, " on ")
			a, okA := colours[front]
			b, okB := colours[back]
			if !okA || !okB {
				t.Fatalf("%s: no such colour in %q", theme, pair)
			}
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < least {
				t.Errorf("%s: %s is %.2f : 1, want %.1f : 1", theme, pair, ratio, least)
			}
		}
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

// TestPagesHaveNoInlineCode looks for what the content security policy would
// refuse.
func TestPagesHaveNoInlineCode(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script(?:[^>]*)>[^<]|javascript:`)
	for _, s := range specimens() {
		var b strings.Builder
		if err := s.page.Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if found := inline.FindString(b.String()); found != "" {
			t.Errorf("%s has %q", s.name, found)
		}
		if strings.Contains(b.String(), "%!") {
			t.Errorf("%s has a formatting error", s.name)
		}
	}
}
