package policy

// Result is what became of one check.
type Result string

// The results of a check.
const (
	Pass       Result = "pass"
	Fail       Result = "fail"
	NotReached Result = "not_reached"
)

// Check is one check of a document against a request.
type Check struct {
	Rule   string `json:"rule"`
	Result Result `json:"result"`
	Reason string `json:"reason,omitzero"`
	Code   string `json:"code,omitzero"` // of a failed check
}

// Decision is what a permitted request must still obey.
type Decision struct {
	// OutputCap is the output cap, in tokens per choice, to write into the
	// request's body; 0 is none.
	OutputCap int64
}

// Decide holds a request against a document, in the order of
// [Document.Check]. The error is a *[Denied] for the first check that fails.
func Decide(d Document, req Request) (Decision, error) { return Decision{}, nil }

// Check lists every check in order: those before the first that fails pass,
// those after it are not reached.
func (d Document) Check(req Request) []Check { return nil }
