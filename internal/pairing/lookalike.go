package pairing

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Lookalike is an app whose name reads as another's.
type Lookalike struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Status AppStatus `json:"status"`
	// Same says that the names are equal, character by character.
	Same bool `json:"same"`
}

// Lookalikes returns the other apps, revoked ones included, whose names an
// owner could take for name: an app chooses its name itself, and may choose
// that of one the owner trusts. Active ones come first.
func (p *Pairing) Lookalikes(appID, name string) []Lookalike {
	var found []Lookalike
	shape := skeleton(name)
	for _, app := range p.Apps() {
		if app.ID == appID || name == unnamed || skeleton(app.Name) != shape {
			continue
		}
		found = append(found, Lookalike{ID: app.ID, Name: app.Name, Status: app.Status, Same: app.Name == name})
	}
	slices.SortStableFunc(found, func(a, b Lookalike) int { return a.Status.rank() - b.Status.rank() })
	return found
}

func (s AppStatus) rank() int {
	return slices.Index([]AppStatus{AppActive, AppSuspended, AppRevoked}, s)
}

// skeleton maps names that look alike to one text, in the manner of UTS #39
// section 4, with a table that is smaller than Unicode's and otherwise goes
// further: case, accents, spaces and punctuation do not tell two apps apart.
//
//  1. compatibility decomposition (NFKD): full width, mathematical letters,
//     ligatures, and accents as marks of their own
//  2. only letters and numbers stay, unless there are none
//  3. what has the shape of a Latin letter becomes that letter, before and
//     after case folding, since Greek letters change their shape with their case
func skeleton(name string) string {
	decomposed := norm.NFKD.String(name)
	kept := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return r
		}
		return -1
	}, decomposed)
	if kept == "" {
		return decomposed
	}
	folded := strings.Map(latin, cases.Fold().String(strings.Map(latin, kept)))
	return strings.NewReplacer("rn", "m", "vv", "w").Replace(folded)
}

// shapes lists what looks like a Latin letter in common typefaces: Greek,
// Cyrillic, Armenian, Cherokee, small capitals, digits.
var shapes = [...]struct {
	as   rune
	like string
}{
	{'a', "\u0430\u03b1\u0251\u1d00\u13aa"},
	{'b', "\u0432\u042c\u044c\u0392\u03b2\u0185\u13f4"},
	{'c', "\u0441\u03f2\u1d04\u13df"},
	{'d', "\u0501\u0257\u13a0"},
	{'e', "\u0435\u0454\u03b5\u04bd\u13ac"},
	{'f', "\u0493\u03dd"},
	{'g', "\u0261\u050d\u0581\u13c0"},
	{'h', "\u043d\u041d\u0397\u04bb\u0570\u13bb"},
	{'i', "Il1\u0456\u0406\u04c0\u04cf\u03b9\u0131\u0269\u13c6"}, // I and l are one stroke
	{'j', "\u0458\u03f3\u13ab"},
	{'k', "\u043a\u03ba\u049b\u13e6"},
	{'m', "\u043c\u039c\u13b7"},
	{'n', "\u043f\u03b7\u039d\u0274\u0578"},
	{'o', "0\u043e\u03bf\u03c3\u0585"},
	{'p', "\u0440\u03c1\u13e2"},
	{'q', "\u051b\u0563"},
	{'r', "\u0433\u0280\u13a1"},
	{'s', "\u0455\ua731\u13da"},
	{'t', "\u0442\u03c4\u1d1b\u13a2"},
	{'u', "\u03c5\u057d\u1d1c\u03bc"},
	{'v', "\u0475\u03bd\u1d20\u13d9"},
	{'w', "\u051d\u0448\u03c9\u0461\u13b3"},
	{'x', "\u0445\u03c7"},
	{'y', "\u0443\u04af\u03b3\u03a5"},
	{'z', "\u1d22\u0396\u13c3"},
}

func latin(r rune) rune {
	for _, s := range shapes {
		if strings.ContainsRune(s.like, r) {
			return s.as
		}
	}
	return r
}
