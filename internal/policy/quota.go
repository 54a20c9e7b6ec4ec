package policy

import (
	"fmt"
	"slices"
)

// quota is one cap of a limit: so much of one unit. It does not change, but
// that its place is looked up when a request is first counted by it.
type quota struct {
	limit *Limit
	index int // of the limit in its document
	unit  int // in units
	cap   int64
	place
}

// place is where amounts are counted: the tallies of a counter, else the
// minutes of a window.
type place struct {
	counter *counter
	window  *window
}

// quotas are those of one document's limits, in its order. An account keeps
// those of the document it was last asked about, which is the one in force:
// what does not change from request to request is looked up once.
type quotas struct {
	limits []Limit
	all    []quota
}

// quotas are those of a document. Error: a *[DocumentError] for a period that
// only code could have put there.
func (a *account) quotas(limits []Limit) ([]quota, error) {
	if slices.Equal(a.latest.limits, limits) {
		return a.latest.all, nil
	}
	q := quotas{limits: slices.Clone(limits)}
	for i := range q.limits {
		limit := &q.limits[i]
		if !limit.Per.known() {
			return nil, limit.validate(fmt.Sprintf("limits[%d]", i))
		}
		for unit, u := range units {
			if most := u.cap(*limit); most != 0 {
				q.all = append(q.all, quota{limit: limit, index: i, unit: unit, cap: most})
			}
		}
	}
	a.latest = q
	return q.all, nil
}

// find looks up where one of these limits' quotas is counted.
func (q *quota) find(a *account, limits []Limit, today date) {
	switch {
	case q.place != place{}:
	case q.limit.Per == Minute:
		q.window = a.minutes.window(rated{q.counts(), countedModel(q.limit.Model)})
	default:
		q.counter = a.counter(limits, q.limit, q.counts(), today)
	}
}

func (q *quota) counts() Unit { return units[q.unit] }

func (q *quota) rule() string { return fmt.Sprintf("limits[%d].%s", q.index, q.counts()) }

// words says the quota's limit: "50 requests a day to gpt-4o".
func (q *quota) words() string { return q.limit.sentence(q.counts()) }
