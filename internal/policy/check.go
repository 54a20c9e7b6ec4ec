package policy

import "cmp"

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
// It is pure: rate, concurrency and limits are the ledger's.
func Decide(d Document, req Request) (Decision, error) {
	for _, r := range rules {
		if v := r.judge(d, req); v.denied != nil {
			v.denied.Rule = cmp.Or(v.denied.Rule, r.name)
			return Decision{}, v.denied
		}
	}
	return Decision{OutputCap: outputCap(d, req)}, nil
}

// Check lists every check in order: those before the first that fails pass,
// those after it are not reached.
func (d Document) Check(req Request) []Check {
	checks := make([]Check, 0, len(rules))
	failed := false
	for _, r := range rules {
		if failed {
			checks = append(checks, Check{Rule: r.name, Result: NotReached})
			continue
		}
		v := r.judge(d, req)
		failed = v.denied != nil
		checks = append(checks, v.check(r.name))
	}
	return checks
}

// verdict is what a rule says: why the request passes, or its denial.
type verdict struct {
	reason string
	denied *Denied
}

func pass(reason string) verdict { return verdict{reason: reason} }

func fail(code, format string, args ...any) verdict {
	return verdict{denied: denial(code, format, args...)}
}

// failMember is fail by a member within the rule's.
func failMember(member, code, format string, args ...any) verdict {
	v := fail(code, format, args...)
	v.denied.Rule = member
	return v
}

func (v verdict) check(rule string) Check {
	if v.denied != nil {
		return Check{Rule: rule, Result: Fail, Reason: v.denied.Message, Code: v.denied.Code}
	}
	return Check{Rule: rule, Result: Pass, Reason: v.reason}
}
