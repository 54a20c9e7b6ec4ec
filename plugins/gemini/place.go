package gemini

// place is where in an answer a scanner is.
type place int

const (
	elsewhere   place = iota
	inAnswer          // around the whole answer: one response, or an array of them
	inResponses       // the array
	inResponse
	inCandidates
	inCandidate
	inContent
	inParts
	inPart
	inWords // something in a part that a model writes
	inFeedback
	atIndex
	atFinish
	atBlock
	atUsage
)

// element is the place of what is in an array at p.
func (p place) element() place {
	switch p {
	case inResponses:
		return inResponse
	case inCandidates:
		return inCandidate
	case inParts:
		return inPart
	case inWords:
		return inWords
	}
	return elsewhere
}

// member is the place of a member of an object at p.
func (p place) member(name []byte) place {
	switch p {
	case inResponse:
		switch string(name) {
		case "candidates":
			return inCandidates
		case "promptFeedback":
			return inFeedback
		case "usageMetadata":
			return atUsage
		}
	case inCandidate:
		switch string(name) {
		case "content":
			return inContent
		case "index":
			return atIndex
		case "finishReason":
			return atFinish
		}
	case inContent:
		if string(name) == "parts" {
			return inParts
		}
	case inPart:
		switch string(name) {
		case "text", "functionCall", "executableCode":
			return inWords
		}
	case inFeedback:
		if string(name) == "blockReason" {
			return atBlock
		}
	case inWords:
		return inWords
	}
	return elsewhere
}
