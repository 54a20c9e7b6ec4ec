package plugins

import "bytes"

// Remove takes a top-level member out, with the comma that set it apart; nothing
// happens where there is none. Every other byte stays as it is.
func (o *Object) Remove(name string) {
	i := o.index(name)
	if i < 0 {
		return
	}
	from, to := bytes.IndexByte(o.data, '{')+1, o.members[i].end
	switch {
	case i > 0:
		from = o.members[i-1].end
	case len(o.members) > 1:
		to += bytes.IndexByte(o.data[to:], ',') + 1 // only space is before it
	}
	o.splice(from, to, nil)
	members := make([]member, 0, len(o.members))
	for j, m := range o.members {
		if j > i {
			m.start, m.end = m.start-(to-from), m.end-(to-from)
		}
		if j != i {
			members = append(members, m)
		}
	}
	o.members = members
}
