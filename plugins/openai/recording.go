package openai

import (
	"encoding/binary"
	"io"
)

const (
	waveHeader  = 4 << 10 // bytes in which the format of a WAV file is looked for
	spokenRate  = 750     // bytes of a second of speech at the least, by any codec: 6 kbit/s
	slowestWave = 1_000   // bytes of a second of samples at the least
)

// Formats of a WAV file whose samples have one size.
const (
	wavePCM      = 1
	waveFloat    = 3
	waveExtended = 0xFFFE
)

// listened estimates the tokens of a recording: by its header for the samples of
// a WAV file, else as if it were speech in as few bytes as can be.
func listened(file *io.SectionReader) int64 {
	rate := int64(spokenRate)
	header := make([]byte, min(waveHeader, file.Size()))
	if n, err := file.ReadAt(header, 0); err == nil || err == io.EOF {
		if wave, ok := waveRate(header[:n]); ok {
			rate = max(wave, slowestWave)
		}
	}
	return (file.Size()*audioInput + rate - 1) / rate
}

// waveRate is the bytes of a second of samples in a WAV file, by its chunk "fmt ",
// which says so in three ways: the slowest counts, whichever a reader believes.
func waveRate(data []byte) (int64, bool) {
	if len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return 0, false
	}
	for rest := data[12:]; len(rest) >= 8; {
		size := int64(binary.LittleEndian.Uint32(rest[4:]))
		if string(rest[:4]) == "fmt " {
			return sampleRate(rest[8:])
		}
		next := 8 + size + size%2
		if next > int64(len(rest)) {
			return 0, false
		}
		rest = rest[next:]
	}
	return 0, false
}

func sampleRate(format []byte) (int64, bool) {
	if len(format) < 16 {
		return 0, false
	}
	short := func(at int) int64 { return int64(binary.LittleEndian.Uint16(format[at:])) }
	long := func(at int) int64 { return int64(binary.LittleEndian.Uint32(format[at:])) }
	if kind := short(0); kind != wavePCM && kind != waveFloat && kind != waveExtended {
		return 0, false
	}
	samples := long(4)
	return min(long(8), samples*short(12), samples*short(2)*((short(14)+7)/8)), true
}
