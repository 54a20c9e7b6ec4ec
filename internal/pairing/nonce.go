package pairing

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrUseNonce says that a proof carries none of the nonces that are good now
// (RFC 9449 sections 8 and 9). The answer carries one that is.
var ErrUseNonce = errors.New("proof without a current nonce")

// nonceWindow is how long one nonce is given out. It is accepted for two more,
// so that one that has just been given out is good for 4 to 6 minutes.
const (
	nonceWindow  = 2 * time.Minute
	nonceWindows = 3
)

// nonces gives out server nonces. They are made from the time and a secret of
// this process alone: none is stored, and none outlives it.
type nonces struct {
	secret  []byte
	clock   func() time.Time
	current atomic.Pointer[noncesAt]
}

// noncesAt are the nonces that are good in one window, the newest first.
type noncesAt struct {
	window int64
	all    [nonceWindows]string
}

func (n *nonces) now() *noncesAt {
	window := n.clock().Unix() / int64(nonceWindow/time.Second)
	if at := n.current.Load(); at != nil && at.window == window {
		return at
	}
	at := &noncesAt{window: window}
	for i := range at.all {
		at.all[i] = n.of(window - int64(i))
	}
	n.current.Store(at)
	return at
}

func (n *nonces) of(window int64) string {
	mac := hmac.New(sha256.New, n.secret)
	_ = binary.Write(mac, binary.BigEndian, window) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// good compares with all of them, so that the time it takes says nothing.
func (n *nonces) good(nonce string) bool {
	found := 0
	for _, good := range n.now().all {
		found |= subtle.ConstantTimeCompare([]byte(good), []byte(nonce))
	}
	return found == 1
}

// Nonce is the server nonce to put on every answer; empty when proofs need
// none.
func (p *Pairing) Nonce() string {
	if p.nonces == nil {
		return ""
	}
	return p.nonces.now().all[0]
}

// checkNonce refuses a proof without a nonce that is good now, if proofs need
// one. Errors: ErrUseNonce.
func (p *Pairing) checkNonce(nonce string) error {
	if p.nonces == nil || p.nonces.good(nonce) {
		return nil
	}
	return fmt.Errorf("%w: sign again with the nonce of this answer's DPoP-Nonce", ErrUseNonce)
}

// startNonces draws the secret.
func (p *Pairing) startNonces() error {
	secret, err := p.random(sha256.Size)
	if err == nil {
		p.nonces = &nonces{secret: secret, clock: p.cfg.Clock}
	}
	return err
}
