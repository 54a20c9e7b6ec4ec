package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/keywicket/keywicket/internal/vault"
	"github.com/keywicket/keywicket/plugins"
)

const maxProbeAnswer = 64 << 10 // bytes read of a probe's answer

// KeyReport says what a provider makes of a key.
type KeyReport struct {
	OK     bool   `json:"ok"`
	Status int    `json:"status"` // the provider's HTTP status; 0 when no answer came
	Words  string `json:"words"`  // one or two sentences for the owner; never the key
}

// TestKey makes one cheap call with a stored key and says in words what came
// back. A key that does not work is a report, not an error. Errors:
// vault.ErrLocked, vault.ErrNoCredential, or a provider that is not known.
func (p *Proxy) TestKey(ctx context.Context, credentialID string) (KeyReport, error) {
	credential, secret, err := p.cfg.Vault.ReleaseByID(credentialID)
	if err != nil {
		return KeyReport{}, err
	}
	defer secret.Zero()
	provider, ok := p.cfg.Providers.Lookup(credential.Resource)
	if !ok {
		return KeyReport{}, fmt.Errorf("testing key: this gateway has no provider %s", credential.Resource)
	}
	probe := provider.Probe()
	call := plugins.Call{Method: probe.Method, Path: probe.Path, Header: probe.Header}
	up, err := newUpstream(provider.Manifest(), credential, secret, call)
	if err != nil {
		return KeyReport{Words: "This key cannot be sent: " + err.Error() + "."}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeouts.Test)
	defer cancel()
	found := report(p.probe(ctx, &up, probe), secret)
	if found.OK {
		p.keys.clear(credentialID)
	}
	return found, nil
}

// probe asks the provider; like every call, it follows no redirect.
func (p *Proxy) probe(ctx context.Context, up *upstream, probe plugins.Probe) KeyReport {
	res, err := p.transport.send(up, up.request(ctx))
	if errors.Is(err, errPrivateAddress) {
		return KeyReport{Words: "This key was not sent: its address is a private one. If it is meant to be, store the key again " +
			"and allow that (gateway key add --allow-private); a provider that is always there says so in its manifest."}
	}
	if err != nil {
		verdict := probe.Explain(0, nil)
		return KeyReport{OK: verdict.OK, Words: verdict.Words}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxProbeAnswer))
	if err != nil {
		body = nil // the status says enough
	}
	verdict := probe.Explain(res.StatusCode, body)
	return KeyReport{OK: verdict.OK, Status: res.StatusCode, Words: verdict.Words}
}

// report makes sure that no provider's words carry the key on.
func report(r KeyReport, secret vault.Secret) KeyReport {
	if key := secret.Bytes(); len(key) > 0 && bytes.Contains([]byte(r.Words), key) {
		r.Words = fmt.Sprintf("The provider answered with status %d.", r.Status)
	}
	return r
}
