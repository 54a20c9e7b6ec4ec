package spool

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

func filled(t *testing.T, cfg Config, body []byte) (*Spool, error) {
	t.Helper()
	cfg.Dir = t.TempDir()
	if cfg.Limit == 0 {
		cfg.Limit = 1 << 20
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, s.Fill(iotest.HalfReader(bytes.NewReader(body)))
}

func text(n int) []byte {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func TestBodiesOfAllSizesReadBack(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 15, 16, 17, 999, 1000, 1001, chunk - 1, chunk, chunk + 1, 3*chunk + 5} {
		body := text(size)
		s, err := filled(t, Config{Memory: 1000}, body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(s.Section())
		if err != nil || !bytes.Equal(got, body) || s.Size() != int64(size) || s.Claimed() != int64(size) {
			t.Errorf("%d bytes: %d read back, the same: %v, %v", size, len(got), bytes.Equal(got, body), err)
		}
		if s.Sum() != sha256.Sum256(body) {
			t.Errorf("%d bytes: another sum", size)
		}
		if inFile := s.file != nil; inFile != (size > 1000) {
			t.Errorf("%d bytes: in a file: %v", size, inFile)
		}
	}
}

func TestReadersAtAnyPlace(t *testing.T) {
	t.Parallel()
	body := text(200_000)
	s, err := filled(t, Config{}, body)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for seed := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(seed)))
			for range 200 {
				at := random.IntN(len(body) + 10)
				p := make([]byte, random.IntN(5000))
				n, err := s.ReadAt(p, int64(at))
				want := body[min(at, len(body)):min(at+len(p), len(body))]
				if !bytes.Equal(p[:n], want) || (n < len(p)) != (err == io.EOF) && len(p) > 0 {
					t.Errorf("at %d: %d of %d bytes, %v", at, n, len(p), err)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestTheDiskKeepsNothing(t *testing.T) {
	t.Parallel()
	body := []byte(strings.Repeat("a secret recording ", 20_000))
	s, err := filled(t, Config{}, body)
	if err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(s.cfg.Dir); err != nil || len(files) != 0 {
		t.Errorf("there are %v, %v", files, err)
	}
	raw, err := io.ReadAll(io.NewSectionReader(s.file, 0, s.size))
	if err != nil || len(raw) != len(body) || bytes.Contains(raw, []byte("secret")) {
		t.Errorf("%d bytes are on the disk, in the clear: %v, %v", len(raw), bytes.Contains(raw, []byte("secret")), err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := s.ReadAt(make([]byte, 1), 0); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		cfg  Config
		size int
		want error
	}{
		"at the limit":     {Config{Limit: 300_000}, 300_000, nil},
		"over it":          {Config{Limit: 300_000}, 300_001, ErrTooLarge},
		"over it at once":  {Config{Limit: 10}, 11, ErrTooLarge},
		"no room":          {Config{Claim: func(int64) bool { return false }}, 1, ErrNoRoom},
		"no room for more": {Config{Claim: upTo(100_000)}, 200_000, ErrNoRoom},
	} {
		if _, err := filled(t, row.cfg, text(row.size)); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := New(Config{Dir: t.TempDir(), Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := s.Fill(iotest.ErrReader(broken)); err != broken {
		t.Errorf("a reader's error became %v", err)
	}
	for _, cfg := range []Config{{}, {Dir: "x"}, {Limit: 1}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
	if s, err := New(Config{Dir: t.TempDir() + "/none", Limit: 1 << 20, Memory: 1}); err != nil || s.Fill(bytes.NewReader(text(100))) == nil {
		t.Error("a directory that is not there was no error")
	}
}

func upTo(room int64) func(int64) bool {
	return func(n int64) bool { room -= n; return room >= 0 }
}
