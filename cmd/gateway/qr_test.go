package main

import (
	"strings"
	"testing"

	"rsc.io/qr"
)

// TestQR reads the half blocks back into modules.
func TestQR(t *testing.T) {
	t.Parallel()
	text := "pair::https://keys.example.com::" + strings.Repeat("A", 43)
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	drawQR(&out, text)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if want := (code.Size + 2*quiet + 1) / 2; len(lines) != want {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	for i, line := range lines {
		blocks := []rune(strings.TrimSuffix(strings.TrimPrefix(line, "\x1b[97;40m"), "\x1b[0m"))
		if len(blocks) != code.Size+2*quiet {
			t.Fatalf("line %d has %d columns", i, len(blocks))
		}
		for column, block := range blocks {
			x, y := column-quiet, 2*i-quiet
			upper, lower := block == ' ' || block == '▄', block == ' ' || block == '▀'
			if upper != code.Black(x, y) || y+1 < code.Size+quiet && lower != code.Black(x, y+1) {
				t.Fatalf("module %d,%d is wrong", x, y)
			}
		}
	}
	out.Reset()
	drawQR(&out, strings.Repeat("x", 10_000))
	if out.Len() != 0 {
		t.Error("a text too long for a code was drawn")
	}
}
