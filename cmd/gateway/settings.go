package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/server"
)

// settings holds the value of every option after flags and environment have
// been read.
type settings struct {
	data string
	json bool

	listen         string
	publicURL      string
	behindProxy    bool
	trustedProxies []string
	unlockFile     string
	drain          time.Duration
	drainTime      time.Duration
	drainBytes     int64
	timeZone       string
	dpopNonce      bool
	logLevel       slog.Level

	metricsListen    string
	metricsTokenFile string

	passphrase        string
	passphraseFile    string
	newPassphrase     string
	newPassphraseFile string
	recoveryCode      bool
	writeKeyFile      string

	label        string
	baseURL      string
	headers      []string
	allowPrivate bool
	rank, weight int64
	replace      bool
	dryRun       bool

	policyFile string
	resources  []string
	actions    []string
	models     []string
	denyModels []string
	origins    []string
	bodyHash   bool
	perMinute  int64
	perDay     int64
	perMonth   int64
	lifetime   int64
	maxOutput  int64
	maxInput   int64

	minuteTokens, dayTokens, monthTokens, lifetimeTokens int64
	dayDollars, monthDollars, lifetimeDollars            policy.Dollars
	hours                                                string
	days                                                 []string
	addresses                                            []string

	concurrency int64
	pinnedKey   string
	expires     time.Duration
	forever     bool
	approve     bool
	ttl         time.Duration

	backupDir  string
	epochFile  string
	backupKeep int64
	plain      bool

	format, since, until string
	app, kind, code      string
	by                   string
	csv                  bool

	requestFile string
	dismiss     string
	allAlerts   bool

	priceInput, priceOutput      string
	priceCached, priceCacheWrite string
	priceRequest                 string
	priceContext, priceMaxOutput int64
	priceHidden, priceVisible    bool
	priceFile, priceURL          string
	builtin                      bool

	follow bool
	lines  int64
	once   bool
}

// defaults returns the settings of a run without flags or environment; env
// reads the environment.
func defaults(env func(string) string) settings {
	return settings{
		data:       defaultData(env),
		listen:     "127.0.0.1:8787",
		drain:      30 * time.Second,
		drainTime:  30 * time.Second,
		drainBytes: 4 << 20,
		backupKeep: server.DefaultBackupKeep,
		format:     "csv",
		by:         "app",
		logLevel:   slog.LevelInfo,
		ttl:        10 * time.Minute,
		lines:      20,
	}
}

// defaultData is keywicket in the user's data directory (XDG Base Directory
// Specification; a relative XDG_DATA_HOME is ignored as it demands). Empty
// when the environment names no home.
func defaultData(env func(string) string) string {
	if base := env("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "keywicket")
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "keywicket")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "keywicket")
	}
	return ""
}
