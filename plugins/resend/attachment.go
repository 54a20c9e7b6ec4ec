package resend

import (
	"encoding/base64"
	"math"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

const maxAttachments = 200

func attachmentMembers() []string {
	return []string{"content", "filename", "path", "content_type", "content_id", "inline_content_id"}
}

// attachmentBytes is the size of all attachments of a message, decoded.
func attachmentBytes(message *plugins.Object) (int64, error) {
	attachments, err := message.Objects("attachments", maxAttachments, attachmentMembers()...)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, a := range attachments {
		size, err := attachmentSize(a)
		if err != nil {
			return 0, err
		}
		sum = plus(sum, size)
	}
	return sum, nil
}

func attachmentSize(a *plugins.Object) (int64, error) {
	if err := checkMembers(a, attachmentMembers()); err != nil {
		return 0, plugins.Invalid("attachments", "an attachment has a member that the gateway does not forward; leave it out")
	}
	for _, name := range []string{"filename", "content_type", "content_id", "inline_content_id"} {
		if oneLine(a, name) != nil {
			return 0, plugins.Invalid("attachments", "the "+name+" of an attachment must be one line of text")
		}
	}
	path, _, err := a.String("path")
	if err != nil {
		return 0, plugins.Invalid("attachments", "the path of an attachment must be a URL")
	}
	if path != "" {
		return math.MaxInt64, nil // Resend will fetch it; nobody knows how much that is
	}
	return contentSize(a)
}

// contentSize is the length of an attachment's content: text in base64, an array
// of numbers (as resend-go writes it) or what JSON makes of Node's Buffer. Of a
// text that is no base64 every byte counts.
func contentSize(a *plugins.Object) (int64, error) {
	bad := plugins.Invalid("attachments", "the content of an attachment must be base64 text or an array of bytes")
	raw, ok := a.Value("content")
	if !ok {
		return 0, nil
	}
	switch raw.Kind() {
	case 'n':
		return 0, nil
	case '"':
		text, _, err := a.String("content")
		return decodedSize(text), err
	case '[':
		n, _, err := a.Len("content")
		return int64(n), err
	case '{':
		buffer, _, err := a.Object("content", "type", "data")
		if err != nil || checkMembers(buffer, []string{"type", "data"}) != nil {
			return 0, bad
		}
		n, _, err := buffer.Len("data")
		if err != nil {
			return 0, bad
		}
		return int64(n), nil
	}
	return 0, bad
}

// decodedSize never says less than what a lenient decoder makes of the text.
func decodedSize(text string) int64 {
	unpadded := strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if n, err := encoding.Decode(make([]byte, encoding.DecodedLen(len(unpadded))), []byte(unpadded)); err == nil {
			return int64(n)
		}
	}
	return int64(len(text))
}
