package e2e_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/server"
)

// movingClock is the real clock, moved forward by the test.
type movingClock struct{ ahead atomic.Int64 }

func (c *movingClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *movingClock) move(d time.Duration) { c.ahead.Add(int64(d)) }

func (c *movingClock) set(cfg *server.Config) { cfg.Clock = c.Now }

// stillClock stands still until the test moves it.
type stillClock struct {
	start sync.Once
	nanos atomic.Int64
}

func (c *stillClock) Now() time.Time {
	c.start.Do(func() { c.nanos.Add(time.Now().UnixNano()) })
	return time.Unix(0, c.nanos.Load())
}

func (c *stillClock) move(d time.Duration) { c.nanos.Add(int64(d)) }

func (c *stillClock) set(cfg *server.Config) { cfg.Clock = c.Now }

func listenOn(address string) setting {
	return func(cfg *server.Config) { cfg.Listen = address }
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
