// Package client lets an app use a Keywicket gateway: pair with a one-time string, sign every request, renew tokens.
//
// It guarantees that the app's private key never leaves the key store and this process; that every request carries a
// fresh proof bound to its method, URL, token and body (RFC 9449); that a token is only ever sent to the gateway it
// came from; and that a request is sent a second time only when the gateway has said that it did not pass the first
// one on.
//
// It refuses to sign for any other origin, also when a redirect asks for it; to speak http beyond the loopback
// interface; and to read key files that others can read. What to do about 429 and 503 is the caller's business, and
// official SDKs know how.
//
//	connection, err := client.Pair(ctx, pairingString, client.App{Name: "Notes", Keys: client.FileKeyStore(dir)})
//	...
//	openai.NewClient(
//		option.WithHTTPClient(connection.HTTPClient()),
//		option.WithBaseURL(connection.BaseURL("llm:openai")),
//	)
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
)

// App is what an app tells about itself and how it works with the gateway.
type App struct {
	Name string // required by Pair; up to 80 characters, shown to the owner
	URI  string // the app's home page, shown to the owner; may be empty

	// Ask is what the app wants. Empty asks for whatever the owner has attached to the pairing string. What is granted
	// may be less: see Connection.Granted and Connection.Reductions.
	Ask []Permission

	Keys KeyStore // where key and session are kept; default MemoryKeyStore(), which forgets them with the process
	Alg  string   // the app key's algorithm: ES256 (default), EdDSA, Ed25519 or PS256

	// HTTPClient speaks to the gateway; default one with a timeout of 30 s per call. Redirects are never followed while
	// pairing. Its Transport also carries the requests of Connection.HTTPClient.
	HTTPClient *http.Client

	// OnPending is called once when the owner has to be waited for; show them what it says. It should not block.
	OnPending func(Pending)

	Clock func() time.Time // default time.Now
	Rand  io.Reader        // of keys and proofs, safe for concurrent use; default crypto/rand.Reader
}

// Pending is what to show while the owner decides. User code and fingerprint are on the owner's screen as well, so
// that they can be compared.
type Pending struct {
	UserCode                string
	VerificationURI         string // where the owner types the code
	VerificationURIComplete string // the same with the code filled in; may be empty
	Fingerprint             string // of the app's key, for people
	ExpiresAt               time.Time
}

// maxNameLength is in characters.
const maxNameLength = 80

// Pair redeems a pairing string, asks for app.Ask and waits until the owner has decided or ctx ends. On success the
// connection is in app.Keys, for Open at the next start.
//
// A string works once. When Pair fails after redeeming it (the owner took too long, ctx ended, the network went away),
// Open goes on from there without a new string.
//
// Errors: ErrPairingString, ErrStringSpent, ErrAccessDenied, ErrExpired, *APIError for other refusals.
func Pair(ctx context.Context, pairingString string, app App) (*Connection, error) {
	parsed, err := ParsePairingString(pairingString)
	if err != nil {
		return nil, err
	}
	if err := checkName(app.Name); err != nil {
		return nil, err
	}
	c, err := newConnection(parsed.issuer, app)
	if err != nil {
		return nil, err
	}
	if err := c.register(ctx, parsed.code, app); err != nil {
		return nil, fmt.Errorf("redeeming the pairing string: %w", err)
	}
	return waited(c, c.askAndWait(ctx))
}

func checkName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > maxNameLength {
		return fmt.Errorf("pairing: App.Name must have 1 to %d characters", maxNameLength)
	}
	return nil
}

// waited gives no connection when it has come to nothing.
func waited(c *Connection, err error) (*Connection, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Open takes up the connection in keys. Of app only HTTPClient, OnPending, Clock and Rand are used; the rest was
// settled by Pair. The gateway need not be running: the first request finds out.
//
// When Pair had not come to its end, Open waits for the owner, asking again if the earlier question has expired.
//
// Errors: ErrNotPaired when there is nothing in keys; ErrAccessDenied when the owner has said no, until Pair is called
// with a new string; ErrExpired and *APIError as Pair.
func Open(ctx context.Context, keys KeyStore, app App) (*Connection, error) {
	if keys == nil {
		return nil, errors.New("opening a connection: a KeyStore is required")
	}
	app.Keys = keys
	kept, err := loadRecord(keys)
	if err != nil {
		return nil, err
	}
	c, err := resumeConnection(kept, app)
	if err != nil {
		return nil, err
	}
	switch {
	case kept.RefreshToken != "":
		return c, nil
	case kept.Denied:
		return nil, fmt.Errorf("opening a connection: %w", ErrAccessDenied)
	case kept.Pending != nil && c.now().Before(kept.Pending.ExpiresAt):
		return waited(c, c.wait(ctx))
	}
	return waited(c, c.askAndWait(ctx))
}
