package openai

import (
	"encoding/binary"
	"io"
)

const (
	waveHeader  = 4 << 10 // bytes in which the format of a WAV file is looked for
	spokenRate  = 2_000   // bytes of a second of speech in other formats: 16 kbit/s
	slowestWave = 1_000   // bytes of a second in a WAV file, at the least
)

// listened estimates the tokens of a recording: exactly for a WAV file, whose
// header says how fast it goes by, else as if it were narrow-band speech.
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

// waveRate is the bytes of a second of a WAV file: nAvgBytesPerSec of its chunk
// "fmt ".
func waveRate(data []byte) (int64, bool) {
	if len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return 0, false
	}
	for rest := data[12:]; len(rest) >= 8; {
		size := int64(binary.LittleEndian.Uint32(rest[4:]))
		if string(rest[:4]) == "fmt " && len(rest) >= 20 {
			return int64(binary.LittleEndian.Uint32(rest[16:])), true
		}
		next := 8 + size + size%2
		if next > int64(len(rest)) {
			return 0, false
		}
		rest = rest[next:]
	}
	return 0, false
}
