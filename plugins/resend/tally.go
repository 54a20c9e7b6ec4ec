package resend

import (
	"maps"
	"math"
	"slices"

	"github.com/keywicket/keywicket/plugins"
)

// tally sums up messages.
type tally struct {
	messages    int
	senders     map[string]bool // domains
	recipients  map[string]bool // addresses
	domains     map[string]bool // of the recipients
	html        bool
	attachments int64
}

// add reads one message and puts its addresses into the form that was read.
func (t *tally) add(message *plugins.Object) error {
	if err := checkMembers(message, members()); err != nil {
		return err
	}
	if t.messages++; t.senders == nil {
		t.senders, t.recipients, t.domains = make(map[string]bool), make(map[string]bool), make(map[string]bool)
	}
	from, err := addresses(message, "from", 1)
	if err != nil {
		return err
	}
	t.senders[from[0].domain] = true
	for _, field := range []string{"to", "cc", "bcc"} {
		all, err := addresses(message, field, maxRecipients)
		if err != nil {
			return err
		}
		if field == "to" && len(all) == 0 {
			return plugins.Invalid("to", "to must name at least one recipient")
		}
		for _, a := range all {
			t.recipients[a.local+"@"+a.domain] = true
			t.domains[a.domain] = true
		}
	}
	return t.addContent(message)
}

func (t *tally) addContent(message *plugins.Object) error {
	if _, err := addresses(message, "reply_to", maxRecipients); err != nil {
		return err
	}
	for _, name := range []string{"subject", "scheduled_at", "topic_id"} {
		if err := oneLine(message, name); err != nil {
			return err
		}
	}
	if err := checkHeaders(message); err != nil {
		return err
	}
	html, err := hasHTML(message)
	if err != nil {
		return err
	}
	t.html = t.html || html
	size, err := attachmentBytes(message)
	if err != nil {
		return err
	}
	t.attachments = plus(t.attachments, size)
	return nil
}

func (t *tally) mail() *plugins.Mail {
	m := &plugins.Mail{
		To: slices.Sorted(maps.Keys(t.domains)), Recipients: len(t.recipients),
		HTML: t.html, AttachmentBytes: t.attachments, Messages: t.messages,
	}
	if len(t.senders) == 1 {
		m.FromDomain = slices.Collect(maps.Keys(t.senders))[0]
	}
	return m
}

// plus adds sizes; what cannot be known stays so.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
