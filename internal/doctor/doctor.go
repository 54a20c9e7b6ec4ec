// Package doctor looks at a gateway from outside its database: its files, its
// disk, its clock, its public address and the way to its providers.
//
// It guarantees that it changes nothing, that every check ends within seconds,
// and that each finding that is not good news says what to do. It refuses to
// send anything but a handshake to a provider, and to look at secrets.
package doctor

import (
	"cmp"
	"slices"
)

// Severity says how much a finding matters.
type Severity string

// Every severity, the worst first.
const (
	Problem Severity = "problem" // something does not work, or is not safe
	Warning Severity = "warning" // works today, and may cost dearly
	Note    Severity = "note"    // worth knowing
	OK      Severity = "ok"      // looked at and found good
)

// Finding is the outcome of one check.
type Finding struct {
	// Check names what was looked at, such as "files".
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	// Message is one plain sentence without a secret in it.
	Message string `json:"message"`
	// Remedy is what to do or type; empty only for OK.
	Remedy string `json:"remedy,omitzero"`
}

// Good is a Finding that needs nothing done.
func Good(check, message string) Finding {
	return Finding{Check: check, Severity: OK, Message: message}
}

// Worst is the severity of the gravest finding; OK when there is none.
func Worst(findings []Finding) Severity {
	worst := OK
	for _, f := range findings {
		if rank(f.Severity) < rank(worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Sort puts the gravest findings first and leaves the order otherwise.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
}

// rank orders severities; an unknown one counts as a problem.
func rank(s Severity) int {
	switch s {
	case Warning:
		return 1
	case Note:
		return 2
	case OK:
		return 3
	}
	return 0
}
