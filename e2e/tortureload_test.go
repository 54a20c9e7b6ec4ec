package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/pairing/dpop"
)

// live puts the gateway under load for as long as lifetime, and until at least
// so much got done in all its lives, and then kills it. What it acknowledges
// meanwhile is noted; what had no answer when it died may have happened or not.
func (r *rack) live(t *testing.T, lifetime time.Duration, least int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex // of what is noted
	note := func(fn func()) { mu.Lock(); defer mu.Unlock(); fn() }
	var workers sync.WaitGroup
	work := func(once func() error) {
		workers.Go(func() {
			for ctx.Err() == nil {
				if once() != nil {
					wait(ctx, 5*time.Millisecond)
				}
			}
		})
	}
	ai := sdk(r.metered)
	for range callers {
		work(func() error {
			_, err := ai.Chat.Completions.New(ctx, question(meteredModel))
			return err
		})
	}
	work(func() error { return r.pairOne(ctx, note) })
	work(func() error { return r.editOne(ctx, note) })
	work(func() error { return r.changeKeys(ctx, note) })
	wait(ctx, lifetime)
	for deadline, done := time.Now().Add(startTime), false; !done && time.Now().Before(deadline); wait(ctx, 5*time.Millisecond) {
		note(func() { done = r.done(least) })
	}
	r.kill()
	cancel()
	workers.Wait()
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (r *rack) pairOne(ctx context.Context, note func(func())) error {
	c, err := r.pair(ctx, "Notes", `{"resource":"llm:openai","limits":[{"per":"day","requests":10}]}`)
	if err != nil {
		return err
	}
	note(func() { r.apps[c.ClientID()] = true; r.paired++ })
	return nil
}

// freshProofs is how long after a start proofs may be refused for their date.
const freshProofs = 1100 * time.Millisecond

// editOne gives the edited app another limit.
func (r *rack) editOne(ctx context.Context, note func(func())) error {
	a := r.edited
	if a.edits > 0 && time.Since(r.started) < freshProofs {
		return errNotYet // the tokens of one edit have to be collected before the next
	}
	a.edits++
	limit := a.edits
	note(func() { r.docs[a.id][limit] = true }) // from now on it may be there
	if err := a.edit(ctx, r.admin, limit); err != nil {
		return err
	}
	note(func() { r.docs[a.id] = map[int64]bool{limit: true}; r.edits++ })
	return nil
}

var errNotYet = errors.New("not yet")

// editAnother pairs an app whose policy is edited in the life to come: one app
// may have only so many requests waiting, and each kill leaves one behind.
func (r *rack) editAnother(t *testing.T) {
	t.Helper()
	app, err := r.newEditedApp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.edited, r.docs[app.id] = app, map[int64]bool{0: true}
}

// changeKeys stores a key and removes one that was stored before.
func (r *rack) changeKeys(ctx context.Context, note func(func())) error {
	var add, remove string
	note(func() {
		add = fmt.Sprintf("key-%d", len(r.keys))
		r.keys[add] = either
		for label, state := range r.keys {
			if state == there && label != "work" {
				remove = label
			}
		}
	})
	if _, err := r.admin.AddKey(ctx, admin.KeyInput{Resource: "llm:openai", Label: add, Secret: canaryKey}); err != nil {
		return err
	}
	note(func() { r.keys[add] = there; r.added++ })
	if remove == "" {
		return nil
	}
	note(func() { r.keys[remove] = either })
	if _, err := r.admin.RemoveKey(ctx, remove); err != nil {
		return err
	}
	note(func() { r.keys[remove] = gone; r.removed++ })
	return nil
}

// editedApp asks again and again, and gets another policy each time.
type editedApp struct {
	issuer, id string
	key        *dpop.Key
	edits      int64
}

func (r *rack) newEditedApp(ctx context.Context) (*editedApp, error) {
	key, err := dpop.GenerateKey("ES256", rand.Reader)
	if err != nil {
		return nil, err
	}
	made, err := r.admin.Pair(ctx, admin.PairInput{})
	if err != nil {
		return nil, err
	}
	a := &editedApp{issuer: r.metered.Issuer(), key: key}
	var registered struct {
		ClientID string `json:"client_id"`
	}
	err = a.post(ctx, "/oauth/register", "application/json", `{"client_name":"Edited"}`, http.Header{
		"Authorization": {"Bearer " + pairingCode(made.PairingString)},
	}, &registered)
	a.id = registered.ClientID
	return a, err
}

// edit asks for access, lets the owner grant a limit, and collects the tokens.
// The owner's yes is what is acknowledged; tokens that are lost in a kill are
// asked for again by the next edit.
func (a *editedApp) edit(ctx context.Context, owner *admin.Client, limit int64) error {
	var device struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
	}
	form := url.Values{
		"client_id": {a.id}, "dpop_jkt": {a.key.Thumbprint()},
		"authorization_details": {`[{"type":"keywicket","identifier":"llm:openai"}]`},
	}
	if err := a.form(ctx, "/oauth/device", form, nil, &device); err != nil {
		return err
	}
	document := fmt.Sprintf(`{"resource":"llm:openai","limits":[{"per":"lifetime","requests":%d}]}`, limit)
	if _, err := owner.Approve(ctx, device.UserCode, admin.ApproveInput{Documents: document, Term: admin.Term{Forever: true}}); err != nil {
		return err
	}
	proof, err := a.key.Sign(dpop.Claims{Method: http.MethodPost, URL: a.issuer + "/oauth/token"}, time.Now())
	if err != nil {
		return err
	}
	form = url.Values{
		"client_id": {a.id}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device.DeviceCode},
	}
	_ = a.form(ctx, "/oauth/token", form, http.Header{"DPoP": {proof}}, nil) // the policy holds with or without it
	return nil
}

func (a *editedApp) form(ctx context.Context, path string, form url.Values, h http.Header, into any) error {
	return a.post(ctx, path, "application/x-www-form-urlencoded", form.Encode(), h, into)
}

func (a *editedApp) post(ctx context.Context, path, kind, body string, h http.Header, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.issuer+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if h != nil {
		req.Header = h
	}
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s: %s", path, res.Status, bytes.TrimSpace(data))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}
