package e2e_test

import (
	"sync/atomic"
	"time"

	"github.com/keywicket/keywicket/internal/server"
)

// movingClock is the real clock, moved forward by the test.
type movingClock struct{ ahead atomic.Int64 }

func (c *movingClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *movingClock) move(d time.Duration) { c.ahead.Add(int64(d)) }

func (c *movingClock) set(cfg *server.Config) { cfg.Clock = c.Now }

func listenOn(address string) setting {
	return func(cfg *server.Config) { cfg.Listen = address }
}
