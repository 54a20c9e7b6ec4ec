package plugins

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"pgregory.net/rapid"
)

// readEvents reads to the end and returns the events and how the stream ended.
func readEvents(src io.Reader, limit int) ([]string, error) {
	r := NewEventReader(src, limit)
	var events []string
	for {
		raw, err := r.Next()
		if err != nil {
			return events, err
		}
		events = append(events, string(raw))
	}
}

func TestEventReaderSplits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"LF", "data: a\n\ndata: b\n\n", []string{"data: a\n\n", "data: b\n\n"}},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"data: a\r\n\r\n", "data: b\r\n\r\n"}},
		{"CR", "data: a\r\rdata: b\r\r", []string{"data: a\r\r", "data: b\r\r"}},
		{"LF then CRLF", "data: a\n\r\ndata: b\n\n", []string{"data: a\n\r\n", "data: b\n\n"}},
		{"CRLF then LF", "data: a\r\n\ndata: b\n\n", []string{"data: a\r\n\n", "data: b\n\n"}},
		{"CR then CRLF", "data: a\r\r\ndata: b\n\n", []string{"data: a\r\r", "\n", "data: b\n\n"}},
		{"many lines", "event: x\nid: 1\ndata: a\ndata: b\n\n", []string{"event: x\nid: 1\ndata: a\ndata: b\n\n"}},
		{"comment", ": hello\n\ndata: a\n\n", []string{": hello\n\n", "data: a\n\n"}},
		{"blank lines", "\n\ndata: a\n\n\n", []string{"\n", "\n", "data: a\n\n", "\n"}},
		{"no blank line at the end", "data: a\n\ndata: b\n", []string{"data: a\n\n", "data: b\n"}},
		{"no line end at the end", "data: a\n\ndata: b", []string{"data: a\n\n", "data: b"}},
		{"CR at the end", "data: a\r\n\r", []string{"data: a\r\n\r"}},
		{"byte order mark", "\ufeffdata: a\n\n", []string{"\ufeffdata: a\n\n"}},
		{"nul and invalid UTF-8", "data: \x00\xff\n\n", []string{"data: \x00\xff\n\n"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for way, src := range map[string]io.Reader{
				"whole":           strings.NewReader(row.in),
				"byte by byte":    iotest.OneByteReader(strings.NewReader(row.in)),
				"end with data":   iotest.DataErrReader(strings.NewReader(row.in)),
				"halves":          iotest.HalfReader(strings.NewReader(row.in)),
				"with empty ones": &haltingReader{src: strings.NewReader(row.in)},
			} {
				got, err := readEvents(src, 0)
				if err != io.EOF || !slices.Equal(got, row.want) {
					t.Errorf("%s: got %q, %v; want %q", way, got, err, row.want)
				}
			}
		})
	}
}

// haltingReader returns nothing, without error, every other time.
type haltingReader struct {
	src io.Reader
	on  bool
}

func (h *haltingReader) Read(p []byte) (int, error) {
	if h.on = !h.on; h.on {
		return 0, nil
	}
	return h.src.Read(p[:min(len(p), 2)])
}

// An event is handed on as soon as its blank line is there. A reader that waited
// for the next one would find the bubble asleep, which is a failure.
func TestEventReaderDoesNotHoldBack(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{"\n\n", "\r\n\r\n", "\r\r"} {
		synctest.Test(t, func(t *testing.T) {
			src, sink := io.Pipe()
			defer sink.Close()
			events := NewEventReader(src, 0)
			for _, text := range []string{"data: one", "data: two"} {
				go io.WriteString(sink, text+ending)
				raw, err := events.Next()
				if err != nil || string(raw) != text+ending {
					t.Errorf("%q: got %q, %v", ending, raw, err)
				}
			}
		})
	}
}

func TestEventReaderWithholdsACutEvent(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	src := io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(broken))
	got, err := readEvents(src, 0)
	if !errors.Is(err, broken) || !slices.Equal(got, []string{"data: a\n\n"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestEventReaderBoundsMemory(t *testing.T) {
	t.Parallel()
	const limit = 16 << 10
	endless := &countingReader{}
	events := NewEventReader(io.MultiReader(strings.NewReader("data: a\n\n"), endless), limit)
	if raw, err := events.Next(); err != nil || string(raw) != "data: a\n\n" {
		t.Fatalf("got %q, %v", raw, err)
	}
	for range 2 {
		if raw, err := events.Next(); !errors.Is(err, ErrEventTooLong) || raw != nil {
			t.Errorf("got %d bytes, %v; want ErrEventTooLong", len(raw), err)
		}
	}
	if endless.n > 4*limit {
		t.Errorf("read %d bytes of an event bounded by %d", endless.n, limit)
	}
}

// countingReader is a line that never ends.
type countingReader struct{ n int }

func (c *countingReader) Read(p []byte) (int, error) {
	c.n += len(p)
	copy(p, bytes.Repeat([]byte("x"), len(p)))
	return len(p), nil
}

func TestEventReaderBoundIsExact(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 63, 64, 65, 4096} {
		event := strings.Repeat("x", size) + "\n\n"
		for _, in := range []string{event, "\n" + event, "data: a\n\n" + event + event} {
			if _, err := readEvents(strings.NewReader(in), max(len(event), 9)); err != io.EOF {
				t.Errorf("an event of exactly the bound (%d): %v", len(event), err)
			}
			if _, err := readEvents(strings.NewReader(in), len(event)-1); size > 8 && !errors.Is(err, ErrEventTooLong) {
				t.Errorf("an event one over the bound (%d): %v", len(event), err)
			}
		}
	}
}

func TestEventReaderGivesUpOnAReaderThatGivesNothing(t *testing.T) {
	t.Parallel()
	if _, err := NewEventReader(nothing{}, 0).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v, want ErrNoProgress", err)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

// cutReader hands out its pieces one by one.
type cutReader struct{ pieces [][]byte }

func (c *cutReader) Read(p []byte) (int, error) {
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}

// cutAt splits data into pieces whose lengths are taken from cuts, in turn.
func cutAt(data, cuts []byte) *cutReader {
	c := &cutReader{}
	for i := 0; len(data) > 0; i++ {
		n := len(data)
		if len(cuts) > 0 {
			n = min(n, 1+int(cuts[i%len(cuts)]))
		}
		c.pieces = append(c.pieces, slices.Clone(data[:n]))
		data = data[n:]
	}
	return c
}

func TestEventReaderKeepsEveryByte(t *testing.T) {
	t.Parallel()
	line := rapid.SampledFrom([]string{"data: x", "data", "data:", "event: y", ": z", "", "\ufeff", "longer than a few bytes"})
	end := rapid.SampledFrom([]string{"\n", "\r\n", "\r"})
	rapid.Check(t, func(t *rapid.T) {
		var in []byte
		for range rapid.IntRange(0, 30).Draw(t, "lines") {
			in = append(in, line.Draw(t, "line")+end.Draw(t, "end")...)
		}
		in = append(in, line.Draw(t, "rest")...)
		checkEvents(t, in, rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "cuts"))
	})
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkEvents holds the reader to its promises: no byte is lost or changed,
// cuts do not matter, and the data is what a reader of the whole stream sees.
func checkEvents(t failer, in, cuts []byte) {
	t.Helper()
	whole, err := readEvents(bytes.NewReader(in), 0)
	if err != io.EOF || strings.Join(whole, "") != string(in) {
		t.Fatalf("%q became %q, %v", in, whole, err)
	}
	cut, err := readEvents(cutAt(in, cuts), 0)
	if err != io.EOF || !slices.Equal(cut, whole) {
		t.Fatalf("%q cut at %v: %q, %v; whole it is %q", in, cuts, cut, err, whole)
	}
	if bytes.Contains(in[min(1, len(in)):], []byte("\ufeff")) {
		return // a mark counts at the start of a stream only; EventData does not know which event that is
	}
	var data []string
	for _, event := range whole {
		if d := EventData([]byte(event)); d != nil {
			data = append(data, string(d))
		}
	}
	if want := referenceData(string(in)); !slices.Equal(data, want) {
		t.Fatalf("%q: data %q, want %q", in, data, want)
	}
}

// referenceData parses a whole stream in the plainest way the standard allows,
// except that it also dispatches what is left at the end.
func referenceData(in string) []string {
	in = strings.TrimPrefix(in, "\ufeff")
	in = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(in)
	var all, data []string
	for line := range strings.SplitSeq(in+"\n\n", "\n") {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case line == "" && data != nil:
			all, data = append(all, strings.Join(data, "\n")), nil
		case name == "data":
			data = append(data, strings.TrimPrefix(value, " "))
		}
	}
	return all
}

func FuzzEventReader(f *testing.F) {
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		checkEvents(t, in, cuts)
		events, err := readEvents(bytes.NewReader(in), 16)
		if err != io.EOF && !errors.Is(err, ErrEventTooLong) {
			t.Fatalf("bounded: %v", err)
		}
		if !bytes.HasPrefix(in, []byte(strings.Join(events, ""))) {
			t.Fatalf("bounded: %q is no beginning of %q", events, in)
		}
	})
}
