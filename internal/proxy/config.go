package proxy

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/vault"
)

// Config says what the data plane works with. Durations and sizes below 1 mean
// the default.
type Config struct {
	// Pairing knows the apps; required.
	Pairing *pairing.Pairing
	// Ledger counts what they use; required.
	Ledger *policy.Ledger
	// Vault holds the providers' keys; required.
	Vault *vault.Vault
	// Audit records every request; required.
	Audit *audit.Log
	// Providers are what can be reached, and the owner's names for models;
	// required.
	Providers *providers.Book
	// Prices are what models cost; required.
	Prices *price.Table
	// History is told how each request ended; default none.
	History History
	// Zone is the owner's time zone, for hours; default time.Local.
	Zone *time.Location
	// PublicURL is the origin that proofs are made for, such as
	// https://keys.example.com, without a trailing slash; required.
	PublicURL string
	// Clock is the time source of policy and audit; default time.Now.
	Clock func() time.Time
	// Rand is the source of request ids; default crypto/rand.Reader.
	Rand io.Reader
	// Log receives operational messages, never secrets; default none.
	Log *slog.Logger

	// MaxBodyBytes bounds one request body; default 32 MiB.
	MaxBodyBytes int64
	// MaxBodyMemory bounds all request bodies held at a time, in bytes;
	// default 512 MiB, at least MaxBodyBytes.
	MaxBodyMemory int64
	// MaxAppBodyMemory bounds those of one app; default a quarter of
	// MaxBodyMemory, at least MaxBodyBytes.
	MaxAppBodyMemory int64
	// MaxUploadBytes bounds one upload, which is kept on the disk; default 256 MiB.
	MaxUploadBytes int64
	// MaxSpoolBytes bounds all uploads kept at a time, in bytes; default 1 GiB, at
	// least MaxUploadBytes. One app gets a quarter of it, at
	// least MaxUploadBytes.
	MaxSpoolBytes int64
	// SpoolDir is where uploads are kept, in files without a name; default
	// os.TempDir.
	SpoolDir string
	// MaxRunning bounds the requests under way at a time; default 4,096.
	MaxRunning int
	// MaxAppRunning bounds those of one app; default a quarter of MaxRunning,
	// at least 1.
	MaxAppRunning int
	// DrainBytes and DrainTime bound how far an answer is read after its
	// client has gone, to learn what it cost; default 4 MiB, eight times that
	// of an answer that comes at once, such as pictures, and 30 s.
	DrainBytes int64
	DrainTime  time.Duration
	// Timeouts bound each wait.
	Timeouts Timeouts
}

// Timeouts bound the waits of one exchange; there is none on the whole of it.
type Timeouts struct {
	Body   time.Duration // the client sending its request body; default 30 s
	Upload time.Duration // the same for a body that is kept on the disk; default 10 min
	Write  time.Duration // the client taking one write; default 30 s
	Cut    time.Duration // the client taking the last event of a stream that is cut; default 2 s
	Dial   time.Duration // connecting to a provider; default 10 s
	TLS    time.Duration // the TLS handshake with it; default 10 s
	Header time.Duration // its first answer, after the request was written; default 10 min
	Idle   time.Duration // its silence in the middle of an answer; default 5 min
	Test   time.Duration // all of a key test; default 15 s
}

// check names what is missing.
func (c Config) check() error {
	if c.Pairing == nil || c.Ledger == nil || c.Vault == nil || c.Audit == nil || c.Providers == nil || c.Prices == nil {
		return errors.New("opening data plane: Config.Pairing, Ledger, Vault, Audit, Providers and Prices are required")
	}
	if c.PublicURL == "" || strings.HasSuffix(c.PublicURL, "/") {
		return errors.New("opening data plane: Config.PublicURL must be an origin without a trailing slash")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.History == nil {
		c.History = noHistory{}
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.MaxBodyBytes = positive(c.MaxBodyBytes, 32<<20)
	c.MaxBodyMemory = max(positive(c.MaxBodyMemory, 512<<20), c.MaxBodyBytes)
	c.MaxAppBodyMemory = max(positive(c.MaxAppBodyMemory, c.MaxBodyMemory/4), c.MaxBodyBytes)
	c.MaxUploadBytes = positive(c.MaxUploadBytes, 256<<20)
	c.MaxSpoolBytes = max(positive(c.MaxSpoolBytes, 1<<30), c.MaxUploadBytes)
	if c.SpoolDir == "" {
		c.SpoolDir = os.TempDir()
	}
	c.MaxRunning = positive(c.MaxRunning, 4096)
	c.MaxAppRunning = positive(c.MaxAppRunning, max(c.MaxRunning/4, 1))
	c.DrainBytes = positive(c.DrainBytes, 4<<20)
	c.DrainTime = positive(c.DrainTime, 30*time.Second)
	c.Timeouts = c.Timeouts.withDefaults()
	return c
}

// pick is a random number below n.
func (c Config) pick(n int) int {
	var random [8]byte
	if _, err := io.ReadFull(c.Rand, random[:]); err != nil {
		return 0
	}
	return int(binary.BigEndian.Uint64(random[:]) % uint64(n))
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Body:   positive(t.Body, 30*time.Second),
		Upload: positive(t.Upload, 10*time.Minute),
		Write:  positive(t.Write, 30*time.Second),
		Cut:    positive(t.Cut, 2*time.Second),
		Dial:   positive(t.Dial, 10*time.Second),
		TLS:    positive(t.TLS, 10*time.Second),
		Header: positive(t.Header, 10*time.Minute),
		Idle:   positive(t.Idle, 5*time.Minute),
		Test:   positive(t.Test, 15*time.Second),
	}
}

func positive[T cmp.Ordered](value, otherwise T) T {
	var zero T
	if value > zero {
		return value
	}
	return otherwise
}
