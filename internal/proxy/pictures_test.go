package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
)

// Pictures are large, and their report comes after them: of a stream of them,
// more is read for it once the client has gone, up to a bound. Behind that, all
// that they may have cost is charged.
func TestPicturesAreDrainedFarther(t *testing.T) {
	t.Parallel()
	const drain, reported = 4_000, 322
	for name, row := range map[string]struct {
		bytes       int
		least, most int64
	}{
		"as much as words":       {drain / 2, reported, reported},
		"more than words":        {drain * (largeDrain - 2), reported, reported},
		"more than is read, too": {4 * drain * largeDrain, 2_272, 4_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan struct{})
			b := newBench(t, with(func(c *Config) { c.DrainBytes = drain }), behind(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				part := func(size int) {
					fmt.Fprintf(w, "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":%q}\n\n", strings.Repeat("A", size))
					_ = http.NewResponseController(w).Flush()
				}
				part(10)
				<-gone
				for sent := 0; sent < row.bytes; sent += 1_000 {
					part(900) // with what is around it about 1,000
				}
				_, _ = io.WriteString(w, "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"AAAA\",\"usage\":{\"input_tokens\":50,\"output_tokens\":272,\"total_tokens\":322}}\n\n")
			}))
			a := b.pair(granting(policy.Limit{Per: policy.Lifetime, Tokens: 100_000}))
			res, err := b.client().Do(a.request("POST", "/r/llm/openai/v1/images/generations",
				`{"model":"gpt-image-1","prompt":"a gate","stream":true,"quality":"low","size":"1024x1024"}`))
			b.must(err)
			if _, err := res.Body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			time.Sleep(50 * time.Millisecond) // most machines have noticed by then; what is written before is not drained
			close(gone)
			if tokens := a.settled(policy.Tokens); tokens < row.least || tokens > row.most {
				t.Errorf("%d tokens are counted, want %d to %d", tokens, row.least, row.most)
			}
		})
	}
}
