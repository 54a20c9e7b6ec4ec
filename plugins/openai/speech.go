package openai

import (
	"strconv"

	"github.com/keywicket/keywicket/plugins"
)

// speechTokens is the tokens of a second of speech that is spoken.
const speechTokens = 20

// spokenBytes is how many bytes carry a second of speech, at the least, in each
// format; mp3 is what OpenAI sends when none is asked for.
func spokenBytes(format string) int64 {
	switch format {
	case "wav", "pcm":
		return 48_000
	case "flac":
		return 16_000
	case "opus":
		return 3_000
	}
	return 8_000 // mp3, aac
}

// describeSpeech reads a request to speak. How much is spoken follows from the
// text: two tokens of sound to a byte, more when it is slowed down.
func describeSpeech(body *plugins.Object, call *plugins.Call) error {
	facts := &call.Facts
	facts.Choices = 1
	var err error
	if facts.Model, err = readModel(body); err != nil {
		return err
	}
	shape, _, err := body.String("stream_format")
	if err != nil {
		return err
	}
	facts.Stream = shape == "sse"
	facts.OutputAtOnce = facts.Stream
	format, _, err := body.String("response_format")
	if err != nil {
		return err
	}
	text, _, err := body.String("input")
	if err != nil {
		return err
	}
	speed, err := readSpeed(body)
	if err != nil {
		return err
	}
	facts.OutputTokens = int64(float64(2*len(text))/min(speed, 1)) + speechTokens
	in := readInput(body, facts.Model, "input", "instructions")
	facts.InputTokens = in.bound(body)
	call.CountInput = in.counter(body.Bytes())
	call.CapOutput = fixedOutput(facts.OutputTokens, "send a shorter text")
	call.State = note{
		action: AudioSpeech, model: facts.Model, choices: 1,
		rate: max(spokenBytes(format)/speechTokens, 1),
	}
	return nil
}

// readSpeed is how fast is spoken, from 0.25 to 4 times.
func readSpeed(body *plugins.Object) (float64, error) {
	raw, ok := body.Value("speed")
	if !ok || raw.Kind() == 'n' {
		return 1, nil
	}
	speed, err := strconv.ParseFloat(string(raw), 64)
	if raw.Kind() != '0' || err != nil || speed < 0.25 || speed > 4 {
		return 0, plugins.Invalid("speed", "speed must be a number from 0.25 to 4")
	}
	return speed, nil
}
