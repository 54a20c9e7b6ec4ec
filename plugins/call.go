package plugins

import (
	"bytes"
	"io"
	"net/http"
)

// Call is the upstream request that stands for a client's request. No member
// carries a credential.
type Call struct {
	Facts Facts

	Method   string
	Path     string // begins with a slash; to be appended to the path of the base URL
	RawQuery string
	Header   http.Header // allowlisted; owned by the call
	Body     []byte      // nil: no body, or an upload

	// Upload is the body of a call made from a request's upload: pieces one after
	// the other, each a text of the gateway's or a part of what the client sent.
	Upload []Piece

	// CountInput estimates the tokens of the whole input more closely than
	// Facts.InputTokens, with a tokenizer that fits the model, and takes its time
	// for it. Nil when there is none.
	CountInput func() int64

	// CapOutput returns body with its output cap lowered to limit, tokens per
	// choice. Set by the dialect; nil when the action has no output to cap.
	CapOutput func(body []byte, limit int64) ([]byte, error)

	// SpellOutput returns body with the output cap it has, in every spelling that
	// a server may read. Set by the dialect; nil when there is one spelling only.
	SpellOutput func(body []byte) ([]byte, error)

	// Harmless says that the call has no effect but its answer and what that costs,
	// so that it may be made once more when it is not known whether it was
	// executed. Set by the dialect.
	Harmless bool

	// State is the dialect's own note about the request, for its meter.
	State any
}

// Piece is a part of a call's body.
type Piece struct {
	Text []byte // the gateway's own; nil for a part of the upload
	From int64  // where the part begins in the request's upload, in bytes
	Size int64  // bytes of the part, or of the text
}

// Repeatable reports whether the call may be made once more when it may have been
// executed: it only reads, or does no harm, or is mail that the provider knows
// again by its Idempotency-Key. Input that only the provider has (a stored
// conversation, tools it runs) may come with effects there, so that such a call
// is made once.
func (c *Call) Repeatable() bool {
	switch {
	case c.Method == http.MethodGet:
		return true
	case c.Facts.Mail != nil:
		return c.Header.Get("Idempotency-Key") != ""
	}
	return c.Harmless && !c.Facts.InputUnknown
}

// SetOutputCap makes the call ask for at most limit output tokens per choice; a
// lower cap the client asked for stays. It is a no-op on actions without output
// tokens. A limit below 1 is an error, and so is a body that no longer parses.
func (c *Call) SetOutputCap(limit int64) error {
	if limit < 1 {
		return Invalid("", "the output cap must be at least 1 token")
	}
	if c.CapOutput == nil {
		return nil
	}
	body, err := c.CapOutput(c.Body, limit)
	if err != nil {
		return err
	}
	c.Body = body
	if c.Facts.OutputTokens == 0 || c.Facts.OutputTokens > limit {
		c.Facts.OutputTokens = limit
	}
	return nil
}

// SpellOutputCap makes sure that whichever spelling of the output cap a server
// reads, it finds the request's. It is for servers that copy a provider's API
// in part; the provider itself may refuse to be told twice.
func (c *Call) SpellOutputCap() error {
	if c.SpellOutput == nil {
		return nil
	}
	body, err := c.SpellOutput(c.Body)
	if err != nil {
		return err
	}
	c.Body = body
	return nil
}

// OpenBody reads the body to send, and says how long it is. upload is that of
// the request; nil when there was none. It may be called for every try.
func (c *Call) OpenBody(upload io.ReaderAt) (body io.Reader, size int64) {
	if c.Upload == nil {
		return bytes.NewReader(c.Body), int64(len(c.Body))
	}
	var readers []io.Reader
	for _, p := range c.Upload {
		size += p.Size
		if p.Text != nil {
			readers = append(readers, bytes.NewReader(p.Text))
		} else {
			readers = append(readers, io.NewSectionReader(upload, p.From, p.Size))
		}
	}
	return io.MultiReader(readers...), size
}
