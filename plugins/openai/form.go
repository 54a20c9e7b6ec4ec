package openai

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/tokenizer"
)

// editedImage is the most tokens an image is that is to be edited: what OpenAI
// publishes for one kept in high fidelity, rounded up.
const editedImage = 8_192

// describeForm reads a form with recordings or images, and writes it anew.
func describeForm(req plugins.Request, call *plugins.Call, critical []string) error {
	upload := req.Upload
	if upload == nil {
		upload = io.NewSectionReader(bytes.NewReader(req.Body), 0, int64(len(req.Body)))
	}
	if err := plugins.CheckUncoded(req.Header); err != nil {
		return err
	}
	form, err := plugins.ReadForm(req.Header, upload, critical...)
	if err != nil {
		return err
	}
	if err := checkFields(form, call.Facts.Action); err != nil {
		return err
	}
	if err := readForm(form, &call.Facts); err != nil {
		return err
	}
	call.CountInput = countForm(form, call.Facts, upload)
	if call.Facts.Action == ImagesEdits {
		if err := describeEdit(form, call); err != nil {
			return err
		}
	} else {
		call.State = note{action: call.Facts.Action, model: call.Facts.Model, choices: 1}
	}
	pieces, media := form.Pieces()
	call.Header.Set("Content-Type", media)
	call.Upload = pieces
	if req.Upload == nil {
		body, _ := call.OpenBody(upload)
		call.Body, err = io.ReadAll(body)
		call.Upload = nil
	}
	return err
}

// checkFields refuses fields that are not known. Files are where files belong.
func checkFields(form *plugins.Form, action string) error {
	known := fields(action)
	for _, p := range form.Parts {
		base, _, _ := strings.Cut(p.Name, "[")
		switch {
		case !slices.Contains(known, base), base != p.Name && slices.Contains(decisive(), base):
			return plugins.Invalid(p.Name, "the field "+p.Name+" is not one the gateway forwards; leave it out")
		case p.File != slices.Contains([]string{"file", "image", "mask", "markup"}, base):
			return plugins.Invalid(p.Name, "the field "+p.Name+" must be a file if it is an image or a recording, and text if it is not")
		}
	}
	return nil
}

func readForm(form *plugins.Form, facts *plugins.Facts) error {
	facts.Choices = 1
	model, named, err := form.Value("model")
	if err == nil && (named || facts.Action != ImagesEdits) {
		err = checkModel(model)
	}
	if err != nil {
		return err
	}
	facts.Model = model
	stream, given, err := form.Value("stream")
	if err != nil {
		return err
	}
	if given && stream != "true" && stream != "false" {
		return plugins.Invalid("stream", "stream must be true or false")
	}
	facts.Stream = stream == "true"
	facts.OutputAtOnce = facts.Stream // pictures come whole, and no cap bounds a transcript
	facts.InputTokens = boundForm(form, facts.Action)
	return nil
}

// boundForm is a token for each byte of text, and the bounds of what is in files.
func boundForm(form *plugins.Form, action string) (tokens int64) {
	for _, p := range form.Parts {
		switch {
		case p.File && action == ImagesEdits:
			tokens += editedImage
		case p.File:
			tokens += p.Size/audioBytes + 1
		default:
			tokens += int64(len(p.Name) + len(p.Value))
		}
	}
	return tokens
}

func describeEdit(form *plugins.Form, call *plugins.Call) error {
	var look picture
	for name, to := range map[string]*string{"quality": &look.quality, "size": &look.size, "output_format": &look.format} {
		value, _, err := form.Value(name)
		if err != nil {
			return err
		}
		*to = value
	}
	for name, bound := range map[string]int64{"n": maxImages, "frame_count": maxFrames} {
		text, given, err := form.Value(name)
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case !given:
			continue
		case err != nil || n < 1 || n > bound || strconv.FormatInt(n, 10) != text:
			return plugins.Invalid(name, name+" must be a whole number from 1 to "+strconv.FormatInt(bound, 10))
		case name == "n":
			call.Facts.Choices = n
		default:
			look.frames = n
		}
	}
	look.cap(call)
	return nil
}

// countForm counts the texts with the model's tokenizer, and recordings by how
// long they last, where that can be seen.
func countForm(form *plugins.Form, facts plugins.Facts, upload io.ReaderAt) func() int64 {
	return func() (tokens int64) {
		var text strings.Builder
		for _, p := range form.Parts {
			switch {
			case p.File && facts.Action == ImagesEdits:
				tokens += editedImage
			case p.File:
				tokens += listened(io.NewSectionReader(upload, p.From, p.Size))
			default:
				text.Write(p.Value)
				text.WriteByte('\n')
			}
		}
		return min(facts.InputTokens, tokens+tokenizer.For(facts.Model)(text.String())+perRequest)
	}
}
