package plugins

// Facts are what a policy judges.
type Facts struct {
	Action string // an action of the manifest, such as chat.completions
	Model  string // as the client names it; empty when the action has no model
	Stream bool   // the client asked for the answer as a stream
	Tools  bool   // the request offers the model tools, built-in ones included
	// OutputTokens is the cap the client asked for, in tokens for each choice;
	// 0 means it asked for none.
	OutputTokens int64
	// Choices is how many answers were asked for, at least 1 where the action
	// has choices and 0 where it has none. Total output is OutputTokens × Choices.
	Choices int64

	// InputTokens is a cheap upper bound of the input, in tokens: the bytes of all
	// text the model reads (no tokenizer makes more tokens than bytes), and a
	// bound the dialect documents for each image or file.
	InputTokens int64
	// InputUnknown says that the provider adds input the gateway cannot see, such
	// as an earlier conversation or a stored file: only the model's context bounds
	// it, and InputTokens is what is known.
	InputUnknown bool
	// OutputAtOnce says that a stream of the answer does not show its output as it
	// is made: it comes in a few large pieces (pictures, sound), or parts of it
	// are never seen (predictions, the provider's own research). All of it must be
	// held from the start.
	OutputAtOnce bool

	Mail *Mail // nil when the action sends no mail
}

// Mail is what a policy judges of a request that sends mail. Over a batch of
// messages, the strictest reading counts: addresses are counted once over all of
// them, and HTML of one is HTML.
type Mail struct {
	// FromDomain is the sender's domain, lower case and in ASCII (IDNA); empty
	// when it cannot be read for certain, or is not the same in all messages.
	FromDomain string
	To         []string // distinct domains of the recipients, in the same form, sorted
	Recipients int      // distinct addresses over to, cc and bcc
	HTML       bool     // some message has an HTML body
	// AttachmentBytes is the size of all attachments, decoded. It is
	// math.MaxInt64 when it cannot be known: the provider fetches one by URL.
	AttachmentBytes int64
	Messages        int // at least 1
}
