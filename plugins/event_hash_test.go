package plugins

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// Ten thousand random streams, cut at random places, come out as they went in:
// whole events, every byte, in order.
func TestStreamsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	for n := range 10_000 {
		stream := randomStream(random)
		in, out := sha256.Sum256(stream), sha256.New()
		events := NewEventReader(&raggedReader{src: bytes.NewReader(stream), random: random}, 0)
		for {
			raw, err := events.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("stream %d: %v", n, err)
			}
			out.Write(raw)
		}
		if !bytes.Equal(in[:], out.Sum(nil)) {
			t.Fatalf("stream %d came out different: %q", n, stream)
		}
	}
}

// randomStream is made of what streams are made of, and of what they are not.
func randomStream(random *rand.Rand) []byte {
	var b bytes.Buffer
	ends := []string{"\n", "\r\n", "\r"}
	end := ends[random.IntN(3)]
	for range random.IntN(20) {
		if random.IntN(50) == 0 {
			end = ends[random.IntN(3)]
		}
		switch random.IntN(8) {
		case 0:
			b.WriteString(": comment" + end)
		case 1:
			fmt.Fprintf(&b, "event: e%d%s", random.IntN(9), end)
		case 2:
			for range random.IntN(200) {
				b.WriteByte(byte(random.Uint32()))
			}
		case 3:
			b.WriteString("data: [DONE]" + end)
		default:
			fmt.Fprintf(&b, `data: {"choices":[{"delta":{"content":"%x é"}}],"usage":null}%s`, random.Uint64(), end)
		}
		if random.IntN(3) > 0 {
			b.WriteString(end)
		}
	}
	return b.Bytes()
}

// raggedReader reads a few bytes at a time, sometimes none, and sometimes the
// end together with the last.
type raggedReader struct {
	src    *bytes.Reader
	random *rand.Rand
}

func (r *raggedReader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p[:min(len(p), r.random.IntN(60))])
	if r.src.Len() == 0 && r.random.IntN(2) == 0 {
		return n, io.EOF
	}
	if err == io.EOF && r.src.Len() > 0 {
		err = nil
	}
	return n, err
}
