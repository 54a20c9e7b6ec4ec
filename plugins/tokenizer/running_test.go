package tokenizer

import (
	"strings"
	"testing"
)

func TestRunningIsNearTheWhole(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"words":   strings.Repeat("the quick brown fox jumps over the lazy dog ", 50),
		"chinese": strings.Repeat("你好,世界", 100),
		"code":    strings.Repeat("for i := range items { fmt.Println(i) }\n", 40),
	} {
		for _, size := range []int{1, 3, 7, 100, 500, len(text)} {
			var r Running
			before, pieces := int64(0), int64(0)
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				r.Add(rest[:n])
				rest = rest[n:]
				pieces++
				if got := r.Tokens(); got < before || got < pieces {
					t.Fatalf("%s in pieces of %d: %d tokens after %d pieces, before it were %d", name, size, got, pieces, before)
				}
				before = r.Tokens()
			}
			whole := Estimate(text)
			if got := r.Tokens(); got < whole || size > 3 && got > 2*whole+3 {
				t.Errorf("%s in pieces of %d: %d tokens, whole %d", name, size, got, whole)
			}
		}
	}
}

func TestRunningCountsWhatIsHidden(t *testing.T) {
	t.Parallel()
	var r Running
	if r.Tokens() != 0 {
		t.Error("nothing is something")
	}
	for range 1000 {
		r.Add("")
	}
	if got := r.Tokens(); got != 1000 {
		t.Errorf("got %d", got)
	}
	r.Add("hello")
	if got := r.Tokens(); got != 1002 {
		t.Errorf("got %d", got)
	}
}

func BenchmarkRunning(b *testing.B) {
	var r Running
	for b.Loop() {
		r.Add(" word")
		r.Tokens()
	}
}
