package openai

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

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

	cursor plugins.Cursor // the body has been parsed
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
		in.cursor = plugins.NewCursor(value)
		if value.Kind() != '[' {
			in.value([]byte(name), nil)
			continue
		}
		for in.cursor.Enter(); in.cursor.More(); {
			in.items++
			in.value([]byte(name), nil)
		}
	}
}

// bound is an upper bound of the input: a token for each byte of the body but
// for media, which have bounds of their own.
func (in *input) bound(body *plugins.Object) int64 {
	return int64(len(body.Bytes())) - in.left + in.media + predicted(body, func(text string) int64 { return int64(len(text)) })
}

// object is what an object says about the media in it. Names are in lower case.
type object struct {
	name, parent []byte
	images       int64
	low          bool // they are to be read in low detail
	id           bool
	kind         bool // it says what it is
}

// value reads the value that comes next, which is called name in an object that
// is called parent.
func (in *input) value(name, parent []byte) {
	switch kind := in.cursor.Kind(); {
	case kind == '{':
		in.members(object{name: name, parent: parent})
	case kind == '[':
		for in.cursor.Enter(); in.cursor.More(); {
			in.value(name, parent)
		}
	case kind == '"':
		in.leaf(name, &object{name: parent})
	case kind == '0' && string(name) == "input" && len(parent) == 0:
		in.numbers++ // a token, as such
		in.cursor.Value()
	default:
		in.literal()
	}
}

func (in *input) members(o object) {
	for in.cursor.Enter(); in.cursor.More(); {
		name := in.cursor.Name()
		in.named(name)
		name = lower(name)
		switch in.cursor.Kind() {
		case '"':
			in.leaf(name, &o)
		case '{', '[':
			o.kind = o.kind || string(name) == "content"
			in.value(name, o.name)
		default:
			in.literal()
		}
	}
	if o.images > 0 {
		in.media += o.images * imageBound(in.model, o.low)
	}
	if string(o.name) == "input" && o.id && !o.kind {
		in.unknown = true // an item of the provider's, by its id alone
	}
}

// lower is a name in lower case, as nearly all are.
func lower(name []byte) []byte {
	if !slices.ContainsFunc(name, func(b byte) bool { return 'A' <= b && b <= 'Z' || b >= utf8.RuneSelf }) {
		return name
	}
	return bytes.ToLower(name)
}

// leaf reads one text called name in o.
func (in *input) leaf(called []byte, o *object) {
	value := in.cursor.Value()
	size := int64(len(value))
	switch name, within := string(called), string(o.name); {
	case name == "image_url", name == "url" && within == "image_url":
		o.images++
		in.left += size
	case name == "data" && within == "input_audio":
		in.media += size/base64Audio + 1
		in.left += size
	case name == "encrypted_content":
		in.media += size/sealedBytes + 1
		in.left += size
	case name == "file_data":
		in.unknown = true
		in.left += size
	case name == "file_id", name == "file_url", strings.HasSuffix(name, "_url"), name == "url" && strings.HasSuffix(within, "_url"),
		name == "url" && within == "source", name == "id" && within == "audio", name == "type" && string(value) == `"item_reference"`:
		in.unknown = true
	default:
		in.note(name, value, o)
		in.collect(value)
	}
}

func (in *input) note(name string, value jsontext.Value, o *object) {
	switch name {
	case "detail":
		o.low = string(value) == `"low"`
	case "id":
		o.id = true
	case "type", "role", "content":
		o.kind = true
	}
}

// imageBound is the most tokens an image can be, in any size, by what OpenAI
// publishes for the model.
func imageBound(model string, low bool) int64 {
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
