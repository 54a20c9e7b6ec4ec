package policy

import (
	"cmp"
	"strings"
)

// ActionGetMail is the one action of mail resources that sends nothing. Every
// other whose messages are not described is denied where there are mail rules.
const ActionGetMail = "emails.get"

// Mail are the rules for messages that a request sends. The zero value of a
// member does not restrict, but for ToDomains and MaxAttachmentBytes: there
// only nil does not.
type Mail struct {
	// FromDomains and ToDomains are the domains of senders and recipients, lower
	// case and in ASCII (IDNA). "*.example.com" is every domain below
	// example.com and not example.com itself. Every recipient must be in one of
	// ToDomains; an empty list, unlike none, allows no recipient.
	FromDomains []string `json:"from_domains,omitzero"`
	ToDomains   []string `json:"to_domains,omitzero"`
	// MaxRecipients bounds the distinct recipients over to, cc and bcc.
	MaxRecipients int64 `json:"max_recipients,omitzero"`
	// HTML forbids when it is anything but "" and "allow".
	HTML Access `json:"html,omitzero"`
	// MaxAttachmentBytes bounds all attachments together; 0 allows none.
	MaxAttachmentBytes *int64 `json:"max_attachment_bytes,omitzero"`
}

func judgeMail(d Document, req Request) verdict {
	switch {
	case d.Mail == nil:
		return pass(unrestricted)
	case req.Mail != nil:
		return d.Mail.judge(*req.Mail)
	case strings.HasPrefix(d.Resource, "mail:") && req.Action != ActionGetMail:
		return failMember("mail", CodeRecipientNotAllowed, "what mail the request sends cannot be read, and this permission has rules for mail")
	}
	return pass("sends no mail")
}

func (m Mail) judge(f MailFacts) verdict {
	for _, v := range []verdict{
		m.judgeSender(f), m.judgeRecipients(f), m.judgeContent(f),
	} {
		if v.denied != nil {
			return v
		}
	}
	return pass("within the mail rules")
}

func (m Mail) judgeSender(f MailFacts) verdict {
	switch {
	case m.FromDomains == nil || inDomains(m.FromDomains, f.FromDomain):
		return pass("")
	case f.FromDomain == "":
		return failMember("mail.from_domains", CodeRecipientNotAllowed, "the sender's domain cannot be read; send from one of: %s", some(m.FromDomains))
	}
	return failMember("mail.from_domains", CodeRecipientNotAllowed, "mail may not be sent from %s; send from one of: %s", quote(f.FromDomain), some(m.FromDomains))
}

func (m Mail) judgeRecipients(f MailFacts) verdict {
	if m.MaxRecipients != 0 && (f.Recipients < 1 || int64(f.Recipients) > m.MaxRecipients) {
		return failMember("mail.max_recipients", CodeRecipientNotAllowed, "mail may go to %s at most, and this goes to %d",
			count(m.MaxRecipients, "recipient"), f.Recipients)
	}
	if m.ToDomains == nil {
		return pass("")
	}
	if len(f.To) == 0 {
		return failMember("mail.to_domains", CodeRecipientNotAllowed, "the recipients cannot be read, and this permission is bound to domains")
	}
	for _, domain := range f.To {
		if !inDomains(m.ToDomains, domain) {
			return failMember("mail.to_domains", CodeRecipientNotAllowed, "mail may not be sent to %s; allowed are: %s",
				quote(domain), cmp.Or(some(m.ToDomains), "none"))
		}
	}
	return pass("")
}

func (m Mail) judgeContent(f MailFacts) verdict {
	if f.HTML && !m.HTML.allows() {
		return failMember("mail.html", CodeRecipientNotAllowed, "this permission does not allow HTML mail; send text only")
	}
	if most := m.MaxAttachmentBytes; most != nil && (f.AttachmentBytes < 0 || f.AttachmentBytes > *most) {
		return failMember("mail.max_attachment_bytes", CodeRecipientNotAllowed, "attachments may have %s at most", count(*most, "byte"))
	}
	return pass("")
}

func (m Mail) validate() error {
	if m.ToDomains == nil && m.FromDomains == nil && m.MaxRecipients == 0 && m.HTML == "" && m.MaxAttachmentBytes == nil {
		return refuse("mail", "must restrict something; leave it out to allow all")
	}
	to := m.ToDomains
	if len(to) == 0 {
		to = nil // allows no recipient, and means it
	}
	return firstError(
		validDomains("mail.from_domains", m.FromDomains),
		validDomains("mail.to_domains", to),
		optionalAmount("mail.max_recipients", m.MaxRecipients),
		m.HTML.validate("mail.html"),
		m.validateAttachments(),
	)
}

func (m Mail) validateAttachments() error {
	switch most := m.MaxAttachmentBytes; {
	case most == nil || *most == 0:
		return nil
	case *most < 0:
		return refuse("mail.max_attachment_bytes", "must be at least 0")
	default:
		return amount("mail.max_attachment_bytes", *most)
	}
}

// sentences say the rules.
func (m Mail) sentences() []string {
	var all []string
	if m.FromDomains != nil {
		all = append(all, "Mail from: "+anyOf(m.FromDomains))
	}
	if m.ToDomains != nil {
		all = append(all, "Mail to: "+anyOf(m.ToDomains))
	}
	if m.MaxRecipients != 0 {
		all = append(all, "Mail to at most "+count(m.MaxRecipients, "recipient"))
	}
	if !m.HTML.allows() {
		all = append(all, "No HTML mail")
	}
	switch most := m.MaxAttachmentBytes; {
	case most == nil:
	case *most == 0:
		all = append(all, "No attachments")
	default:
		all = append(all, "Attachments of at most "+count(*most, "byte"))
	}
	return all
}
