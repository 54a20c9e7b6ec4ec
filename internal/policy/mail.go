package policy

// Mail are the rules for messages that a request sends. The zero value of a
// member does not restrict, but for ToDomains and MaxAttachmentBytes: there
// only nil does not.
type Mail struct {
	// FromDomains and ToDomains are the domains of senders and recipients, lower
	// case and in ASCII (IDNA). "*.example.com" is every domain below
	// example.com and not example.com itself. An empty ToDomains allows no
	// recipient.
	FromDomains []string `json:"from_domains,omitzero"`
	ToDomains   []string `json:"to_domains,omitzero"`
	// MaxRecipients bounds the distinct recipients over to, cc and bcc.
	MaxRecipients int64 `json:"max_recipients,omitzero"`
	// HTML forbids when it is anything but "" and "allow".
	HTML Access `json:"html,omitzero"`
	// MaxAttachmentBytes bounds all attachments together; 0 allows none.
	MaxAttachmentBytes *int64 `json:"max_attachment_bytes,omitzero"`
}
