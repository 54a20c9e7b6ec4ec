package ui

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quietZone is the light border of a QR code, in modules (ISO/IEC 18004).
const quietZone = 4

// drawQR draws text as a QR code that survives 15 % of damage or glare.
func drawQR(text string) (qrPicture, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return qrPicture{}, fmt.Errorf("drawing QR code: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quietZone, y+quietZone, run, run)
				x += run
			}
		}
	}
	return qrPicture{Side: code.Size + 2*quietZone, Path: path.String()}, nil
}
