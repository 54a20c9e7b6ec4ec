package resend

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

// members are what Resend documents of a message. What is not known here is
// refused: it might be a recipient or a body.
func members() []string {
	return []string{
		"from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "headers",
		"attachments", "tags", "scheduled_at", "topic_id", "template",
	}
}

func describeSend(req plugins.Request, call *plugins.Call) error {
	if err := plugins.CheckPlainJSON(req.Header); err != nil {
		return err
	}
	message, err := plugins.ParseObject(req.Body, members()...)
	if err != nil {
		return err
	}
	facts := &tally{}
	if err := facts.add(message); err != nil {
		return err
	}
	call.Facts.Mail = facts.mail()
	call.Header.Set("Content-Type", "application/json")
	call.Body = message.Bytes()
	return nil
}

// describeBatch judges the messages as one mail: what one of them may not do,
// the batch may not.
func describeBatch(req plugins.Request, call *plugins.Call) error {
	if err := plugins.CheckPlainJSON(req.Header); err != nil {
		return err
	}
	messages, err := plugins.ParseObjects(req.Body, MaxBatch, members()...)
	if err != nil {
		return err
	}
	facts := &tally{}
	texts := make([][]byte, len(messages))
	for i, message := range messages {
		if err := facts.add(message); err != nil {
			return inMessage(i, err)
		}
		texts[i] = message.Bytes()
	}
	call.Facts.Mail = facts.mail()
	call.Header.Set("Content-Type", "application/json")
	if mode := plugins.AllowHeader(req.Header, "X-Batch-Validation").Get("X-Batch-Validation"); mode == "strict" || mode == "permissive" {
		call.Header.Set("X-Batch-Validation", mode)
	}
	call.Body = slices.Concat([]byte("["), bytes.Join(texts, []byte(",")), []byte("]"))
	return nil
}

// inMessage says which message of a batch is at fault, from 0 as in the array.
func inMessage(i int, err error) error {
	if e, ok := err.(*plugins.Error); ok {
		at := *e
		at.Param = fmt.Sprintf("%d.%s", i, e.Param)
		at.Message = fmt.Sprintf("message %d: %s", i, e.Message)
		return &at
	}
	return err
}

func describeGet(req plugins.Request) error {
	if len(req.Body) > 0 {
		return plugins.Invalid("", "looking at a message takes no body")
	}
	return nil
}

// checkMembers refuses a message with a member that is not known.
func checkMembers(o *plugins.Object, known []string) error {
	for _, name := range o.Names() {
		if !slices.Contains(known, name) {
			return plugins.Invalid(name, "the member "+name+" is not one the gateway forwards; leave it out")
		}
	}
	return nil
}

// oneLine reads a string that ends up in a header of the message, where a line
// end would begin another header.
func oneLine(o *plugins.Object, name string) error {
	text, _, err := o.String(name)
	if err == nil && slices.ContainsFunc([]byte(text), control) {
		err = plugins.Invalid(name, name+" must be one line without control characters")
	}
	return err
}

func control(b byte) bool { return b < ' ' || b == 0x7f }

// hasHTML is true for a body in HTML, and for a template of the owner's account,
// which may hold some.
func hasHTML(o *plugins.Object) (bool, error) {
	html, _, err := o.String("html")
	if err != nil {
		return false, err
	}
	template, ok := o.Value("template")
	return html != "" || (ok && template.Kind() != jsontext.KindNull), nil
}
