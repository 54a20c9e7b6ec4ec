package openai

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

const (
	maxImages     = 10
	maxFrames     = 16 // of an animation
	imagePlanning = 2_000
)

// describeImages reads a request for images. Their size and quality say how many
// tokens they are, at most; nothing else can cap them.
func describeImages(body *plugins.Object, call *plugins.Call) error {
	facts := &call.Facts
	var err error
	if facts.Model, err = readModelIfAny(body); err != nil {
		return err
	}
	if facts.Stream, _, err = body.Bool("stream"); err != nil {
		return err
	}
	facts.OutputAtOnce = facts.Stream
	if facts.Choices, err = readChoices(body, maxImages); err != nil {
		return err
	}
	var look picture
	for name, to := range map[string]*string{"quality": &look.quality, "size": &look.size, "output_format": &look.format} {
		if *to, _, err = body.String(name); err != nil {
			return err
		}
	}
	if look.frames, _, err = body.Int("frame_count", maxFrames); err != nil {
		return err
	}
	in := readInput(body, facts.Model, "prompt")
	facts.InputTokens, facts.InputUnknown = in.bound(body), in.unknown
	call.CountInput = in.counter(body.Bytes())
	look.cap(call)
	return nil
}

// picture is how an image is to look, as far as its price goes.
type picture struct {
	quality, size, format string
	frames                int64
}

// cap sets how much output each image is.
func (p picture) cap(call *plugins.Call) {
	bound := p.tokens()
	call.Facts.OutputTokens = bound
	call.CapOutput = fixedOutput(bound, "ask for fewer, smaller or plainer images")
	call.State = note{action: call.Facts.Action, model: call.Facts.Model, choices: call.Facts.Choices, bound: bound}
}

// tokens is what an image costs at most, by what OpenAI publishes for a square of
// 1024 pixels in each quality, in proportion to the size, with all previews.
func (p picture) tokens() int64 {
	square := map[string]int64{
		"low": 272, "medium": 1_056, "standard": 1_056, "high": 4_160, "hd": 4_160, "xhigh": 8_320, "max": 16_640,
	}[p.quality]
	if square == 0 {
		square = 4_160
	}
	const pixels = 1024 * 1024
	area := int64(1536 * 1024)
	if w, h, ok := strings.Cut(p.size, "x"); ok {
		width, err1 := strconv.ParseInt(w, 10, 32)
		height, err2 := strconv.ParseInt(h, 10, 32)
		if err1 == nil && err2 == nil && width > 0 && height > 0 && width <= 8192 && height <= 8192 {
			area = width * height
		}
	}
	tokens := (square*area+pixels-1)/pixels + 3*partialImage + imagePlanning
	if p.format == "gif" {
		tokens *= max(p.frames, 9)
	}
	return tokens
}

// fixedOutput is for output that cannot be cut short by a number in the request:
// it comes whole or not at all.
func fixedOutput(bound int64, advice string) func([]byte, int64) ([]byte, error) {
	return func(body []byte, limit int64) ([]byte, error) {
		if limit < bound {
			return nil, &plugins.Error{
				Status: http.StatusForbidden, Code: "output_cap_exceeded",
				Message: "the answer may take " + strconv.FormatInt(bound, 10) + " output tokens, more than may be used; " + advice,
			}
		}
		return body, nil
	}
}
