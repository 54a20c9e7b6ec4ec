package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// together appends a line whose write does not end before so many others have
// come, and returns what all were told and how many writes there were. result
// is what each write comes to.
func together(t *testing.T, l *Log, d *disk, others int, result func(p []byte) (int, error)) (told []error, writes int) {
	t.Helper()
	begun, goOn := make(chan struct{}), make(chan struct{})
	d.logWrite = func(p []byte) (int, error) {
		if writes++; writes == 1 {
			close(begun)
			<-goOn
		}
		return result(p)
	}
	errs := make(chan error, others+1)
	var all sync.WaitGroup
	line := func(i int) func() {
		return func() {
			errs <- l.Append(Event{Kind: RequestEnded, Actor: App, RequestID: fmt.Sprint("req_together_", i)})
		}
	}
	all.Go(line(0))
	<-begun
	for i := range others {
		all.Go(line(1 + i))
	}
	for gathered := 0; gathered < others; runtime.Gosched() {
		l.joining.Lock()
		if l.next != nil {
			gathered = len(l.next.events)
		}
		l.joining.Unlock()
	}
	close(goOn)
	all.Wait()
	d.logWrite = nil
	for range others + 1 {
		told = append(told, <-errs)
	}
	return told, writes
}

// Lines that come while another is being written go to the file together, in
// one write, and each is there when its Append has returned.
func TestLinesShareAWrite(t *testing.T) {
	t.Parallel()
	l, d := onDisk(t, t.TempDir())
	write(t, l, 1, 1)
	told, writes := together(t, l, d, maxBatch, func(p []byte) (int, error) { return len(p), nil })
	if err := errors.Join(told...); err != nil || writes != 2 {
		t.Errorf("%d lines took %d writes, want 2 (%v)", len(told), writes, err)
	}
	write(t, l, 2, 2)
	verified(t, l, 3+maxBatch)
}

// A write that fails is refused to all that share it, and none of their lines
// is in the file.
func TestLinesShareAFailure(t *testing.T) {
	t.Parallel()
	l, d := onDisk(t, t.TempDir())
	write(t, l, 1, 1)
	told, _ := together(t, l, d, 10, func(p []byte) (int, error) { return len(p) / 2, syscall.ENOSPC })
	for _, err := range told {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("Append: %v", err)
		}
	}
	write(t, l, 2, 2)
	verified(t, l, 2)
}

// BenchmarkAppendAmongOtherWork is a line of one of 32 goroutines that do other
// things between them, and how many lines share a write.
func BenchmarkAppendAmongOtherWork(b *testing.B) {
	l, err := New(Config{Dir: b.TempDir(), Key: testKey})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	d, writes := &disk{}, 0
	d.logWrite = func(p []byte) (int, error) { writes++; return len(p), nil }
	l.log = diskFile{file: l.log, disk: d}
	b.ReportAllocs()
	b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		var work [64 << 10]byte
		for pb.Next() {
			sum := sha256.Sum256(work[:])
			copy(work[:], sum[:])
			if err := l.Append(Event{Kind: RequestEnded, Actor: App, RequestID: "req_aaaaaaaaaaaaaaaaaaaaaaaaaa"}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(l.at.seq)/float64(writes), "lines/write")
}
