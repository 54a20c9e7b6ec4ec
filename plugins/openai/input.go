package openai

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// Bounds of what a model makes of media, in tokens.
const (
	imageInput  = 16_384 // an image, for a model without a row in imageBound
	audioBytes  = 48     // of a recording make a token: ten tokens a second, no codec below 3.8 kbit/s
	base64Audio = 64     // the same, in base64
	sealedBytes = 2      // of sealed reasoning make a token
	perMessage  = 4      // tokens around each message
	perRequest  = 3      // tokens before the answer
)

// input is what a request gives the model to read.
type input struct {
	model   string
	reads   []string         // the members whose texts it reads
	unknown bool             // some of it is not in the request
	media   int64            // tokens of images, sound and sealed reasoning, at most
	left    int64            // bytes of those in the body
	numbers int64            // tokens given as such
	items   int64            // messages, or items
	text    *strings.Builder // collects what is read; nil while only bounds are wanted

	dec *jsontext.Decoder
}

// readInput looks through the members of a body that the model reads.
func readInput(body *plugins.Object, model string, reads ...string) *input {
	in := &input{model: model, reads: reads}
	in.look(body)
	return in
}

func (in *input) look(body *plugins.Object) {
	for _, name := range in.reads {
		value, ok := body.Value(name)
		if !ok {
			continue
		}
		// None are: the body has been parsed.
		in.dec = jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true))
		if in.value(name, "") != nil { // cannot happen either
			in.unknown = true
		}
	}
}

// bound is an upper bound of the input: a token for each byte of the body but
// for media, which have bounds of their own.
func (in *input) bound(body *plugins.Object) int64 {
	return int64(len(body.Bytes())) - in.left + in.media + predicted(body, func(text string) int64 { return int64(len(text)) })
}

// object is what an object says about the media in it.
type object struct {
	name, parent string
	images       int64
	detail       string
	id           bool
	kind         bool // it says what it is
}

// value reads the value that comes next, which is called name in an object that
// is called parent.
func (in *input) value(name, parent string) error {
	switch in.dec.PeekKind() {
	case '{':
		return in.members(object{name: name, parent: parent})
	case '[':
		if _, err := in.dec.ReadToken(); err != nil {
			return err
		}
		whole := in.dec.StackDepth() == 1 // the member itself
		for in.dec.PeekKind() != ']' {
			if whole {
				in.items++
			}
			if err := in.value(name, parent); err != nil {
				return err
			}
		}
		_, err := in.dec.ReadToken()
		return err
	case '"':
		return in.leaf(name, &object{name: parent})
	case '0':
		if name == "input" && parent == "" { // a token, as such
			in.numbers++
			return in.dec.SkipValue()
		}
	}
	return in.literal()
}

func (in *input) members(o object) error {
	if _, err := in.dec.ReadToken(); err != nil {
		return err
	}
	for in.dec.PeekKind() != '}' {
		token, err := in.dec.ReadToken()
		if err != nil {
			return err
		}
		in.named(token.String())
		name := strings.ToLower(token.String())
		switch kind := in.dec.PeekKind(); {
		case kind == '"':
			err = in.leaf(name, &o)
		case kind == '{' || kind == '[':
			o.kind = o.kind || name == "content"
			err = in.value(name, o.name)
		default:
			err = in.literal()
		}
		if err != nil {
			return err
		}
	}
	in.media += o.images * imageBound(in.model, o.detail)
	if o.name == "input" && o.id && !o.kind {
		in.unknown = true // an item of the provider's, by its id alone
	}
	_, err := in.dec.ReadToken()
	return err
}

// leaf reads one text called name in o.
func (in *input) leaf(name string, o *object) error {
	value, err := in.dec.ReadValue()
	if err != nil {
		return err
	}
	size := int64(len(value))
	switch {
	case name == "image_url", name == "url" && o.name == "image_url":
		o.images++
		in.left += size
	case name == "data" && o.name == "input_audio":
		in.media += size/base64Audio + 1
		in.left += size
	case name == "encrypted_content":
		in.media += size/sealedBytes + 1
		in.left += size
	case name == "file_data":
		in.unknown = true
		in.left += size
	case name == "file_id", name == "file_url", strings.HasSuffix(name, "_url"), name == "url" && strings.HasSuffix(o.name, "_url"),
		name == "url" && o.name == "source", name == "id" && o.name == "audio", name == "type" && string(value) == `"item_reference"`:
		in.unknown = true
	default:
		in.note(name, value, o)
		return in.collect(value)
	}
	return nil
}

func (in *input) note(name string, value jsontext.Value, o *object) {
	switch name {
	case "detail":
		o.detail = string(value)
	case "id":
		o.id = true
	case "type", "role", "content":
		o.kind = true
	}
}

// imageBound is the most tokens an image can be, in any size, by what OpenAI
// publishes for the model.
func imageBound(model, detail string) int64 {
	low := detail == `"low"`
	for _, row := range []struct {
		begins    string
		low, high int64
	}{
		{"gpt-4o-mini", 2_833, 48_169},
		{"gpt-4.1-mini", 3_779, 3_779}, {"gpt-4.1-nano", 3_779, 3_779}, {"o4-mini", 3_779, 3_779},
		{"gpt-4o", 85, 1_445}, {"gpt-4.1", 85, 1_445}, {"gpt-4.5", 85, 1_445}, {"o1", 85, 1_445}, {"o3", 85, 1_445},
	} {
		if strings.HasPrefix(strings.TrimPrefix(model, "openai/"), row.begins) {
			if low {
				return row.low
			}
			return row.high
		}
	}
	return imageInput
}

// describeInput reads a request that has input and no output of tokens.
func describeInput(body *plugins.Object, call *plugins.Call) error {
	var err error
	if call.Facts.Action == Moderations {
		call.Facts.Model, err = readModelIfAny(body)
	} else {
		call.Facts.Model, err = readModel(body)
	}
	if err != nil {
		return err
	}
	in := readInput(body, call.Facts.Model, "input")
	call.Facts.InputTokens, call.Facts.InputUnknown = in.bound(body), in.unknown
	call.CountInput = in.counter(body.Bytes())
	call.State = note{action: call.Facts.Action, model: call.Facts.Model}
	return nil
}
