package main

import (
	"io"
	"strings"

	"rsc.io/qr"
)

// quiet is the white border of a QR code in modules. The standard asks for
// four; two is what scanners need on a screen, and it saves lines.
const quiet = 2

// drawQR draws text as a QR code in half blocks, two modules to a character,
// white on black whatever the colours of the terminal. A text too long for a
// code is not drawn.
func drawQR(w io.Writer, text string) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return
	}
	var out strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		out.WriteString("\x1b[97;40m")
		for x := -quiet; x < code.Size+quiet; x++ {
			out.WriteString(halfBlock(code.Black(x, y), y+1 >= code.Size+quiet || code.Black(x, y+1)))
		}
		out.WriteString("\x1b[0m\n")
	}
	_, _ = io.WriteString(w, out.String())
}

// halfBlock paints the white half of a character that stands for two modules.
func halfBlock(upperBlack, lowerBlack bool) string {
	switch {
	case upperBlack && lowerBlack:
		return " "
	case upperBlack:
		return "▄"
	case lowerBlack:
		return "▀"
	}
	return "█"
}
