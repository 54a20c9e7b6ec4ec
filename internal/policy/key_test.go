package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestKeyMember(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte(`{"resource":"llm:openai","key":"work"}`), noon)
	if err != nil || d.Key != "work" {
		t.Fatalf("%+v, %v", d, err)
	}
	if !slices.Contains(d.Sentences(noon.Location()), `With the key "work" only`) {
		t.Errorf("it is not said: %q", d.Sentences(noon.Location()))
	}
	for name, value := range map[string]string{
		"empty": `""`, "null": "null", "a number": "1", "with a space before it": `" work"`, "with a line break": `"a\nb"`,
		"long": `"` + strings.Repeat("x", 65) + `"`, "a list": `["work"]`,
	} {
		_, err := Parse([]byte(`{"resource":"llm:openai","key":`+value+`}`), noon)
		if refused, ok := errors.AsType[*DocumentError](err); !ok || refused.Path != "key" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
