package usage

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	codecVersion = 1
	maxDayBytes  = 32 << 20 // of a day before it is deflated
)

var errDay = errors.New("not a day of usage that this gateway can read")

// row is one cell in a list.
type row struct {
	cellKey
	Sums
}

// rows copies the cells of a day, in no order.
func (t *table) rows() []row {
	all := make([]row, 0, len(t.cells))
	for k, s := range t.cells {
		all = append(all, row{k, s.copy()})
	}
	return all
}

// arrange sorts rows so that what is alike stands together.
func arrange(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.resource, b.resource), cmp.Compare(a.model, b.model), cmp.Compare(a.hour, b.hour))
	})
}

// encode packs a day, and arranges its rows.
func encode(rows []row) ([]byte, error) {
	arrange(rows)
	var texts [][]byte
	numbers := map[string]uint64{}
	var body []byte
	text := func(s string) {
		n, known := numbers[s]
		if !known {
			n = uint64(len(texts))
			numbers[s] = n
			texts = append(texts, []byte(s))
		}
		body = binary.AppendUvarint(body, n)
	}
	for _, r := range rows {
		text(r.app)
		text(r.resource)
		text(r.model)
		body = append(body, r.hour)
		for _, n := range r.columns() {
			body = binary.AppendUvarint(body, uint64(*n))
		}
		body = binary.AppendUvarint(body, uint64(len(r.rules)))
		for _, c := range r.rules {
			text(c.rule)
			body = binary.AppendUvarint(body, uint64(c.count))
		}
	}
	head := binary.AppendUvarint([]byte{codecVersion}, uint64(len(texts)))
	for _, t := range texts {
		head = append(binary.AppendUvarint(head, uint64(len(t))), t...)
	}
	head = binary.AppendUvarint(head, uint64(len(rows)))
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(append(head, body...))
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// columns is every number of s in the order of the format.
func (s *Sums) columns() []*int64 {
	all := []*int64{
		&s.Requests, &s.InputTokens, &s.CachedTokens, &s.CacheWriteTokens, &s.OutputTokens, &s.Cost,
		&s.Denied, &s.Errors, &s.Latency.Count, &s.Latency.SumMS, &s.Latency.MaxMS,
	}
	for i := range s.Latency.Buckets {
		all = append(all, &s.Latency.Buckets[i])
	}
	return all
}

// decode reads a day back. It takes nothing for granted that encode writes:
// every count is held against what is left.
func decode(data []byte) ([]row, error) {
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), maxDayBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDay, err)
	}
	if len(plain) > maxDayBytes || len(plain) == 0 || plain[0] != codecVersion {
		return nil, errDay
	}
	d := &decoder{rest: plain[1:]}
	for range d.count() {
		d.texts = append(d.texts, string(d.bytes(d.count())))
	}
	rows := make([]row, 0, min(d.peek(), maxCells+24))
	for range d.count() {
		rows = append(rows, d.row())
		if d.bad {
			break
		}
	}
	if d.bad || len(d.rest) > 0 {
		return nil, errDay
	}
	return rows, nil
}

// decoder reads what is left; once bad, it reads zeroes.
type decoder struct {
	rest  []byte
	texts []string
	bad   bool
}

func (d *decoder) row() (r row) {
	r.app, r.resource, r.model = d.text(), d.text(), d.text()
	if hour := d.bytes(1); len(hour) == 1 && hour[0] < 24 {
		r.hour = hour[0]
	} else {
		d.bad = true
	}
	for _, n := range r.columns() {
		*n = d.number()
	}
	for range min(d.count(), maxRules+1) {
		r.rules = append(r.rules, ruleCount{d.text(), d.number()})
	}
	return r
}

// number reads a sum.
func (d *decoder) number() int64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > most {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return int64(n)
}

// count reads how many follow: no more than there are bytes left.
func (d *decoder) count() int {
	n := d.number()
	if n > int64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return 0
	}
	return int(n)
}

// peek is what count will return.
func (d *decoder) peek() int {
	c := *d
	return c.count()
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.bad, d.rest = true, nil
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) text() string {
	n := d.number()
	if n >= int64(len(d.texts)) {
		d.bad = true
		return ""
	}
	return d.texts[n]
}
