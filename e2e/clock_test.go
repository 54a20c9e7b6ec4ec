package e2e_test

import (
	"fmt"
	"net"
	"os"
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

// midday is how many hours a zone in which the tests begin at noon is ahead of
// Greenwich: while they run, no day ends there, nor a month.
var midday = 12 - time.Now().UTC().Hour()

func middayZone() *time.Location { return time.FixedZone("midday", midday*60*60) }

// middayName is the zone's name for the binary.
func middayName() string {
	if midday == 0 {
		return "UTC"
	}
	return fmt.Sprintf("Etc/GMT%+d", -midday) // counted westward
}

func listenOn(address string) setting {
	return func(cfg *server.Config) { cfg.Listen = address }
}

// addresses counts those that freeAddress has given.
var addresses atomic.Int64

// freeAddress is a loopback address that nobody listens on, and that nobody who
// asks for any port gets: until a gateway listens there, or while it is away,
// such a one could be anybody's.
func freeAddress(t *testing.T) string {
	t.Helper()
	const lowest, below = 10_000, 32_768 // from which on systems give ports away
	for range 1000 {
		port := lowest + (int64(os.Getpid())*64+addresses.Add(1))%(below-lowest)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}
