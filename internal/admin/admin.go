// Package admin is the owner's command interface: a JSON API served on the
// Unix socket of the data directory, and the Go client the command line uses.
//
// It guarantees that input is decoded strictly and bounded, that what the
// owner does to keys and locks is in the audit log, that no permission without
// an end is granted unless the owner chose that in so many words, and that
// every refusal says what to type next. It never answers a provider key and
// takes no request from the network: who may connect is decided by the
// socket, which belongs to package owner.
package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
	"github.com/keywicket/keywicket/internal/providers"
	"github.com/keywicket/keywicket/internal/usage"
	"github.com/keywicket/keywicket/internal/vault"
)

const (
	host    = "keywicket" // Host of requests on the socket; it names nothing
	root    = "/owner/v1" // prefix of every route
	maxBody = 1 << 20     // bytes of one request
)

// Config says what the commands act on.
type Config struct {
	// Pairing holds strings, consent requests and apps. Required.
	Pairing *pairing.Pairing
	// Vault holds the provider keys. Required.
	Vault *vault.Vault
	// Providers are the services that can be reached. Required.
	Providers *providers.Book
	// Ledger knows what permissions have used. Required.
	Ledger *policy.Ledger
	// Prices are what models cost. Required.
	Prices *price.Table
	// Usage is what was used. Required.
	Usage *usage.History
	// Alerts are what the owner would want to know. Required.
	Alerts *alerts.Board
	// Audit records what the owner does and is shown by it. Required.
	Audit *audit.Log
	// TestKey makes one cheap call to the provider with a stored key.
	// Required.
	TestKey func(ctx context.Context, credentialID string) (KeyReport, error)
	// KeyHealth tells how each key that was used has fared, by its id. Default: none
	// was.
	KeyHealth func() map[string]vault.Health
	// PublicURL is the origin apps use. Required.
	PublicURL string
	// Data is the data as a whole: backups, rotation, checks. Required.
	Data Data
	// SignOut ends every session of the console. Required.
	SignOut func() error
	// Running counts the requests being forwarded. Default: always 0.
	Running func() int
	// Zone is the owner's time zone, used in the words of documents. Default
	// time.Local.
	Zone *time.Location
	// Version is what Status reports. Default "dev".
	Version string
	// Clock is the time source. Default time.Now.
	Clock func() time.Time
	// Log receives the causes of internal errors, never secrets. Default none.
	Log *slog.Logger
}

// Admin answers the owner's commands.
type Admin struct {
	cfg      Config
	started  time.Time
	stopping context.Context // done after Close
	stop     context.CancelFunc
	shutdown sync.Once // tells the HTTP server to call Close when it stops
}

// New checks cfg and returns an Admin.
func New(cfg Config) (*Admin, error) {
	if cfg.Pairing == nil || cfg.Vault == nil || cfg.Providers == nil || cfg.Ledger == nil || cfg.Audit == nil || cfg.Data == nil || cfg.TestKey == nil || cfg.SignOut == nil {
		return nil, errors.New("admin: Pairing, Vault, Providers, Ledger, Audit, Data, TestKey and SignOut are required")
	}
	if cfg.PublicURL == "" {
		return nil, errors.New("admin: PublicURL is required")
	}
	if cfg.Prices == nil || cfg.Usage == nil || cfg.Alerts == nil {
		return nil, errors.New("admin: Prices, Usage and Alerts are required")
	}
	if cfg.Running == nil {
		cfg.Running = func() int { return 0 }
	}
	if cfg.Zone == nil {
		cfg.Zone = time.Local
	}
	if cfg.Version == "" {
		cfg.Version = "dev"
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a := &Admin{cfg: cfg, started: cfg.Clock()}
	a.stopping, a.stop = context.WithCancel(context.Background())
	return a, nil
}

// Close ends followed audit logs. The http.Server that serves them calls it
// when it shuts down, so that a stop need not wait for followers.
func (a *Admin) Close() { a.stop() }

// Register adds the routes to e and makes e answer errors in the shape of this
// API. e must be reachable through the owner's socket only.
func (a *Admin) Register(e *echo.Echo) {
	e.HTTPErrorHandler = a.answerError
	g := e.Group(root)
	g.GET("/status", a.status)
	g.POST("/init", a.init)
	g.POST("/unlock", a.unlock)
	g.POST("/lock", a.lock)
	g.POST("/freeze", a.freeze)
	g.POST("/thaw", a.thaw)
	g.POST("/sign-out", a.signOut)
	g.GET("/slots", a.listSlots)
	g.POST("/slots", a.addSlot)
	g.POST("/slots/recovery", a.addRecovery)
	g.POST("/slots/passphrase", a.addPassphrase)
	g.POST("/slots/passphrase/change", a.changePassphrase)
	g.DELETE("/slots/:id", a.removeSlot)
	g.GET("/keys", a.listKeys)
	g.POST("/keys", a.addKey)
	g.POST("/keys/:name/test", a.testKey)
	g.GET("/keys/:name", a.showKey)
	g.POST("/keys/:name/arrange", a.arrangeKey)
	g.DELETE("/keys/:name", a.removeKey)
	g.GET("/providers", a.listProviders)
	g.POST("/providers", a.addProvider)
	g.GET("/providers/:id", a.showProvider)
	g.GET("/providers/:id/manifest", a.exportProvider)
	g.DELETE("/providers/:id", a.removeProvider)
	g.GET("/aliases", a.listAliases)
	g.POST("/aliases", a.setAlias)
	g.DELETE("/aliases/:name", a.removeAlias)
	g.POST("/strings", a.pair)
	g.GET("/requests", a.listRequests)
	g.POST("/requests/:name/approve", a.approve)
	g.POST("/requests/:name/deny", a.deny)
	g.GET("/apps", a.listApps)
	g.GET("/apps/:name", a.showApp)
	g.POST("/apps/:name/suspend", a.changeApp(a.cfg.Pairing.Suspend))
	g.POST("/apps/:name/resume", a.changeApp(a.cfg.Pairing.Resume))
	g.POST("/apps/:name/revoke", a.changeApp(a.cfg.Pairing.Revoke))
	g.GET("/sessions", a.listSessions)
	g.POST("/sessions/:id/end", a.endSession)
	g.GET("/usage", a.showUsage)
	g.GET("/alerts", a.listAlerts)
	g.POST("/alerts/dismiss", a.dismissAlerts)
	g.POST("/alerts/:id/dismiss", a.dismissAlert)
	g.GET("/webhook", a.showWebhook)
	g.POST("/webhook", a.setWebhook)
	g.POST("/webhook/test", a.testWebhook)
	g.DELETE("/webhook", a.removeWebhook)
	g.GET("/prices", a.listPrices)
	g.GET("/prices/info", a.priceInfo)
	g.GET("/prices/find", a.findPrice)
	g.POST("/prices/set", a.setPrice)
	g.POST("/prices/unset", a.unsetPrice)
	g.POST("/prices/refresh", a.refreshPrices)
	g.POST("/prices/reset", a.resetPrices)
	g.POST("/policy/test", a.testPolicy)
	g.GET("/audit", a.tail)
	g.GET("/audit/follow", a.follow)
	g.GET("/audit/verify", a.verify)
	g.POST("/audit/export", a.exportAudit)
	g.GET("/doctor", a.examine)
	g.POST("/backup", a.backup)
	g.POST("/vault/rotate", a.rotateVault)
	g.POST("/host-key/rotate", a.rotateHostKey)
	g.POST("/accept-restore", a.acceptRestore)
	g.POST("/export", a.export)
}

// decode reads the body of a request strictly: no unknown or duplicate
// members, no trailing data, no more than maxBody bytes.
func decode[T any](c echo.Context) (T, error) {
	var in T
	data, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if err != nil {
		return in, refuse(http.StatusRequestEntityTooLarge, CodeInvalidRequest, "the request is larger than %d bytes; send less", maxBody)
	}
	defer clear(data) // it may have held a passphrase or key
	if err := json.Unmarshal(data, &in, json.RejectUnknownMembers(true)); err != nil {
		return in, refuse(http.StatusBadRequest, CodeInvalidRequest, "the request is not what this version of the gateway understands; use the gateway command of the same version")
	}
	return in, nil
}

// answer sends v as JSON.
func answer(c echo.Context, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding answer: %w", err)
	}
	return c.JSONBlob(http.StatusOK, data)
}

// at is t in the owner's time zone, to the second; the zero time stays zero.
func (a *Admin) at(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.In(a.cfg.Zone).Truncate(time.Second)
}

// done answers a command that has nothing to say.
func done(c echo.Context) error { return c.JSONBlob(http.StatusOK, []byte("{}")) }

// answerError is the echo error handler of the socket.
func (a *Admin) answerError(err error, c echo.Context) {
	refusal := public(err)
	if refusal.Code == CodeInternal {
		a.cfg.Log.Error("owner's command failed", "route", c.Path(), "error", err)
	}
	if c.Response().Committed {
		return // a followed audit log: the stream simply ends
	}
	data, err := json.Marshal(errorBody{refusal})
	if err == nil {
		err = c.JSONBlob(refusal.Status, data)
	}
	if err != nil {
		a.cfg.Log.Debug("answering owner's command", "error", err)
	}
}

// record writes what the owner did to the audit log.
func (a *Admin) record(event audit.Event) error {
	event.Actor = audit.Owner
	event.Detail = joinDetail(event.Detail, "command line")
	return a.cfg.Audit.Append(event)
}

func joinDetail(detail, more string) string {
	if detail == "" {
		return more
	}
	return detail + "; " + more
}
