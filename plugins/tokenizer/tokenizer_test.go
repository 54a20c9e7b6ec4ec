package tokenizer

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func TestCountIsTheModels(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		model, text string
		want        int64
	}{
		{"gpt-4o", "", 0},
		{"gpt-4o", "hello world", 2},
		{"gpt-4", "hello world", 2},
		{"gpt-4o-mini-2024-07-18", "The quick brown fox jumps over the lazy dog.", 10},
		{"gpt-3.5-turbo-0125", "The quick brown fox jumps over the lazy dog.", 10},
		{"gpt-4o", "supercalifragilistic", 6},
		{"gpt-4", "supercalifragilistic", 7},
		{"gpt-5.1", "你好,世界", 3},
		{"gpt-4", "你好,世界", 6},
		{"text-embedding-3-small", "1234567890", 4},
		{"openai/o3", "1234567890", 4},
	} {
		got, ok := Count(row.model, row.text)
		if !ok || got != row.want {
			t.Errorf("%s %q: %d, %v; want %d", row.model, row.text, got, ok, row.want)
		}
	}
}

func TestModelsAndTheirVocabularies(t *testing.T) {
	t.Parallel()
	const chinese = "你好,世界" // 3 tokens in the newer vocabulary, 6 in the older
	for want, models := range map[int64][]string{
		3: {
			"gpt-4o", "gpt-4o-2024-11-20", "gpt-4o-audio-preview", "chatgpt-4o-latest", "gpt-4.1", "gpt-4.1-nano", "gpt-4.5-preview",
			"gpt-5", "gpt-5.6-sol", "gpt-5-codex", "o1", "o1-pro", "o3-mini-2025-01-31", "o4-mini", "openai/gpt-oss-120b",
			"ft:gpt-4o-mini-2024-07-18:org:name:id", "openai/gpt-4o",
		},
		6: {"gpt-4", "gpt-4-0613", "gpt-4-turbo", "gpt-4-32k", "gpt-3.5-turbo", "gpt-35-turbo", "ft:gpt-3.5-turbo:x", "text-embedding-ada-002", "text-embedding-3-large"},
		0: {
			"", "gpt", "gpt-40", "gpt-6-astra", "o10", "o", "claude-sonnet-4-5", "gemini-2.5-pro", "llama-3.3-70b", "text-embedding-004",
			"openai/openai/gpt-4o", "GPT-4o", " gpt-4o", "gpt-4oh", strings.Repeat("gpt-4-", 100),
		},
	} {
		for _, model := range models {
			if got, ok := Count(model, chinese); got != want || ok != (want > 0) {
				t.Errorf("%s: %d, %v; want %d", model, got, ok, want)
			}
		}
	}
}

func TestEstimateIsAboveAndBounded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"": 0, "x": 1, "hello world": 3, "The quick brown fox jumps over the lazy dog.": 15, "\xff\xfe": 2,
	} {
		if got := Estimate(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if got := For("claude-opus-4")("hello world"); got != 3 {
		t.Errorf("a model without a tokenizer: %d", got)
	}
	if got := For("gpt-4o")("hello world"); got != 2 {
		t.Errorf("a model with a tokenizer: %d", got)
	}
}

// hostile are texts without a place to cut, or with nothing but such places.
func hostile(size int) map[string]string {
	random := rand.New(rand.NewPCG(3, 4))
	noise, letters := make([]byte, size), make([]byte, size)
	for i := range noise {
		noise[i] = byte(random.Uint32())
		letters[i] = byte('a' + random.IntN(26))
	}
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	return map[string]string{
		"one letter": repeat("a"), "capitals": repeat("A"), "camels": repeat("Aa"), "spaces": repeat(" "), "lines": repeat("\r\n"), "tabs": repeat("\t"),
		"digits": repeat("7"), "points": repeat("!?"), "chinese": repeat("中文字汉"), "emoji": repeat("😀🎉"), "thai": repeat("ภาษาไทย"),
		"marks": repeat("e\u0301\u0302"), "families": repeat("👩‍👩‍👧‍👦"), "invalid": repeat("\xff"), "halves": repeat("\xe4\xbd"), "zero": repeat("\x00"),
		"noise": string(noise), "letters": string(letters), "words": repeat("so many words "), "spaced": repeat("  a"), "wide spaces": repeat("\u3000 a"),
		"escapes": repeat("<|endoftext|>"), "contractions": repeat("I'll've'd "),
	}
}

// The tokenizer is given no more at once than it can take, and no less than
// makes the number of pieces linear in the text.
func TestPiecesAreBounded(t *testing.T) {
	t.Parallel()
	for name, text := range hostile(1 << 20) {
		whole, cuts := text, int64(0)
		var joined strings.Builder
		for text != "" {
			piece, cut := next(text)
			if len(piece) > maxPiece || len(piece) < min(minPiece, len(text)) || len(piece) == 0 {
				t.Fatalf("%s: a piece of %d bytes", name, len(piece))
			}
			if utf8.ValidString(whole) && !utf8.ValidString(piece) {
				t.Fatalf("%s: a character was cut apart", name)
			}
			joined.WriteString(piece)
			cuts += cut
			text = text[len(piece):]
		}
		if joined.String() != whole {
			t.Fatalf("%s: the pieces are not the text", name)
		}
		if spaced := name == "words" || name == "contractions"; spaced && cuts != 0 {
			t.Errorf("%s: %d cuts at no space", name, cuts)
		}
	}
}

// Four megabytes of anything are counted, and behind the bound each byte is a
// token.
func TestHostileTextIsCounted(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{"one letter": "a", "spaces": " ", "chinese": "中文", "emoji": "😀🎉", "invalid": "\xff"} {
		text := strings.Repeat(unit, (4<<20)/len(unit))
		got, _ := Count("gpt-4o", text)
		beyond := int64(len(text) - MaxText)
		if got <= beyond || got > int64(len(text)) {
			t.Errorf("%s: %d tokens for %d bytes", name, got, len(text))
		}
	}
}

// What is counted in pieces is not below the whole by more than what was cut.
func TestPiecesCountAsTheWhole(t *testing.T) {
	t.Parallel()
	for name, text := range hostile(10_000) {
		for vocabulary, enc := range map[string]encoding{"o200k": o200k, "cl100k": cl100k} {
			whole, err := enc().Count(text)
			if err != nil {
				t.Fatal(err)
			}
			cuts := int64(0)
			for rest := text; rest != ""; {
				piece, cut := next(rest)
				rest, cuts = rest[len(piece):], cuts+cut
			}
			got := count(enc, text)
			if got < int64(whole) || got > int64(whole)+3*cuts {
				t.Errorf("%s in %s: %d, the whole is %d, with %d cuts", name, vocabulary, got, whole, cuts)
			}
		}
	}
}

func TestConcurrently(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for _, model := range []string{"gpt-4o", "gpt-4"} {
				if n, ok := Count(model, "hello world"); !ok || n != 2 {
					t.Errorf("%s: %d, %v", model, n, ok)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkDelta(b *testing.B) {
	Count("gpt-4o", "x")
	b.ReportAllocs()
	for b.Loop() {
		Count("gpt-4o", " hello")
	}
}

func TestSumOfPieces(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]int64{"gpt-4o": 6, "claude-sonnet-4-5": 9} {
		sum := NewSum(model)
		for _, piece := range []string{"", "one", " two", " three", "", " four", ".", " five"} {
			sum.Add(piece)
		}
		if got := sum.Total(); got != want {
			t.Errorf("%s: %d, want %d", model, got, want)
		}
	}
}
