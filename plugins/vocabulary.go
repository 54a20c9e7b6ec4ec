package plugins

// Vocabulary is the names that the members of a kind of body may have. It does
// not change once made.
type Vocabulary struct {
	known    map[string]bool // true: no reader can take the name for another
	critical []string
}

// NewVocabulary takes the names that are forwarded, and those that the caller
// decides by, as [ParseObject] does.
func NewVocabulary(known, critical []string) *Vocabulary {
	v := &Vocabulary{known: make(map[string]bool, len(known)), critical: critical}
	for _, name := range known {
		_, odd := mistaken(name, critical)
		v.known[name] = writtenPlainly([]byte(name)) && !odd
	}
	return v
}

// Parse is [ParseObject] for bodies without members that are not known. Errors
// are *[Error].
func (v *Vocabulary) Parse(data []byte) (*Object, error) {
	o, err := v.parse(data)
	if err != nil {
		return nil, err
	}
	return o, v.Check(o)
}

// Check refuses an object with a member that is not known. The error is an
// *[Error].
func (v *Vocabulary) Check(o *Object) error {
	for _, m := range o.members {
		if _, known := v.known[string(m.name)]; !known {
			name := string(m.name)
			return Invalid(name, "the member "+name+" is not one the gateway forwards; leave it out")
		}
	}
	return nil
}
