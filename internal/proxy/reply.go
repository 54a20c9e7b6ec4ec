package proxy

import (
	"net/http"
	"sync"
	"time"
)

// reply is the client's side of an exchange. Each write has its own deadline,
// so that an answer may take hours while a client that stops reading is
// dropped after one write.
type reply struct {
	to       http.ResponseWriter
	control  *http.ResponseController
	clock    func() time.Time
	id       string        // of the request, on every answer
	patience time.Duration // for one write
	status   int           // 0 until WriteHeader
	first    time.Time     // when the first byte of the body went out; zero until then

	mu    sync.Mutex
	armed time.Time // when the deadline was last set
	last  time.Time // when the cut ends all writing; zero while there is none
	over  bool      // the connection belongs to the server again
}

func newReply(to http.ResponseWriter, id string, cfg Config) *reply {
	return &reply{
		to: to, control: http.NewResponseController(to), clock: cfg.Clock,
		id: id, patience: cfg.Timeouts.Write,
	}
}

// Header implements http.ResponseWriter.
func (r *reply) Header() http.Header { return r.to.Header() }

// WriteHeader implements http.ResponseWriter; only the first final status counts.
func (r *reply) WriteHeader(status int) {
	if status < 200 || r.status != 0 {
		return
	}
	r.status = status
	r.to.Header().Set("X-Request-Id", r.id)
	r.arm()
	r.to.WriteHeader(status)
}

// hide keeps the answer from web pages of other origins: which of them may
// read it is known for sure only when the permission is.
func (r *reply) hide() {
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"} {
		r.to.Header().Del(name)
	}
}

// Write implements io.Writer.
func (r *reply) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.first.IsZero() && len(b) > 0 {
		r.first = r.clock()
	}
	r.arm()
	return r.to.Write(b)
}

// FlushError is what http.ResponseController looks for.
func (r *reply) FlushError() error {
	r.arm()
	return r.control.Flush()
}

// begun reports whether a status has gone out.
func (r *reply) begun() bool { return r.status != 0 }

// arm sets the deadline of the write that follows. What was set a moment ago
// does: a write has at least seven eighths of the patience. A writer without
// deadlines (a test's recorder) has no client that could stall.
func (r *reply) arm() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if !r.last.IsZero() || now.Sub(r.armed) < r.patience/8 {
		return
	}
	r.armed = now
	_ = r.control.SetWriteDeadline(now.Add(r.patience))
}

// hurry ends all writing after grace, a pending write included, which a client
// that does not read would otherwise hold back. It may be called while another
// goroutine writes.
func (r *reply) hurry(grace time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || !r.last.IsZero() {
		return
	}
	r.last = time.Now().Add(grace)
	_ = r.control.SetWriteDeadline(r.last)
}

// leave hands the connection back: a deadline set later would hit the next
// request on it.
func (r *reply) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}
