package usage

import (
	"fmt"
	"os"
	"testing"
)

func someDay() *table {
	t := newTable("2026-11-21")
	for i := range 40 {
		t.record(Request{App: fmt.Sprint("app_", i%4), Resource: "llm:openai", Model: fmt.Sprint("m", i%3), InputTokens: int64(i) << 40, Cost: most}, uint8(i%24))
		t.record(Request{App: "app_0", Rule: fmt.Sprint("rule", i%5)}, uint8(i%24))
	}
	return t
}

func TestCodec(t *testing.T) {
	t.Parallel()
	rows := someDay().rows()
	data, err := encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	back, err := decode(data)
	if err != nil || fmt.Sprint(back) != fmt.Sprint(rows) {
		t.Errorf("got %v, %v", back, err)
	}
	for cut := range len(data) {
		if _, err := decode(data[:cut]); err == nil {
			t.Fatalf("%d of %d bytes are read as a day", cut, len(data))
		}
	}
}

// FuzzDecode: nothing makes decode panic, and what it reads encodes again.
func FuzzDecode(f *testing.F) {
	data, err := encode(someDay().rows())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := decode(data)
		if err != nil {
			return
		}
		again, err := encode(rows)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decode(again)
		if err != nil || fmt.Sprint(back) != fmt.Sprint(rows) {
			t.Errorf("%v became %v, %v", rows, back, err)
		}
	})
}

// TestSeeds fails when the committed seeds of the fuzz test are gone.
func TestSeeds(t *testing.T) {
	t.Parallel()
	seeds, err := os.ReadDir("testdata/fuzz/FuzzDecode")
	if err != nil || len(seeds) < 3 {
		t.Fatalf("%d seeds, %v", len(seeds), err)
	}
}

// TestFrozenDay reads a day as the first version wrote it: it must be readable
// for two years at least.
func TestFrozenDay(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/day-1.bin")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := decode(data)
	want := someDay().rows()
	arrange(want)
	if err != nil || fmt.Sprint(rows) != fmt.Sprint(want) {
		t.Errorf("the frozen day is read as %v, %v", rows, err)
	}
}
