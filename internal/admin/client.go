package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/internal/owner"
)

const (
	dialTimeout = 5 * time.Second
	maxAnswer   = 16 << 20 // bytes of one answer of the gateway
	maxEvent    = 64 << 10 // bytes of one streamed audit event
)

// ErrNoServer means that nothing answers on the socket of a data directory.
var ErrNoServer = errors.New("no gateway is running")

// Client sends the owner's commands to a running gateway. Its methods return
// *Error when the gateway refuses and ErrNoServer when it is not there.
type Client struct {
	dir  string
	http *http.Client
}

// Dial connects to the gateway that serves the data directory dir. It fails
// with ErrNoServer when none does.
func Dial(dir string) (*Client, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	c := &Client{dir: abs}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return owner.DialSocket(ctx, abs)
			},
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	conn, err := owner.DialSocket(ctx, abs)
	if err != nil {
		return nil, c.explain(err)
	}
	return c, conn.Close()
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status returns the state of the gateway.
func (c *Client) Status(ctx context.Context) (out Status, err error) {
	return out, c.call(ctx, http.MethodGet, "/status", nil, &out)
}

// Init sets the passphrase of a new gateway and leaves it unlocked.
func (c *Client) Init(ctx context.Context, in InitInput) error {
	return c.call(ctx, http.MethodPost, "/init", in, nil)
}

// Unlock opens the vault with the passphrase.
func (c *Client) Unlock(ctx context.Context, passphrase string) error {
	return c.call(ctx, http.MethodPost, "/unlock", UnlockInput{Passphrase: passphrase}, nil)
}

// UnlockWithRecoveryCode opens the vault with a recovery code.
func (c *Client) UnlockWithRecoveryCode(ctx context.Context, code string) error {
	return c.call(ctx, http.MethodPost, "/unlock", UnlockInput{RecoveryCode: code}, nil)
}

// Lock closes the vault and cuts what is running.
func (c *Client) Lock(ctx context.Context) error { return c.do(ctx, "/lock") }

// Freeze refuses every app and cuts what is running.
func (c *Client) Freeze(ctx context.Context) error { return c.do(ctx, "/freeze") }

// Thaw ends a freeze.
func (c *Client) Thaw(ctx context.Context) error { return c.do(ctx, "/thaw") }

// SignOut ends every session of the console.
func (c *Client) SignOut(ctx context.Context) error { return c.do(ctx, "/sign-out") }

// Slots lists the ways to unlock the vault.
func (c *Client) Slots(ctx context.Context) (out []Slot, err error) {
	return out, c.call(ctx, http.MethodGet, "/slots", nil, &out)
}

// AddKeyFile makes a key-file slot. The answer holds the only copy of its key.
func (c *Client) AddKeyFile(ctx context.Context, label string) (out KeyFile, err error) {
	return out, c.call(ctx, http.MethodPost, "/slots", SlotInput{Label: label}, &out)
}

// AddRecoveryCode makes a recovery slot. The answer holds the only copy of its
// code.
func (c *Client) AddRecoveryCode(ctx context.Context, label string) (out RecoveryCode, err error) {
	return out, c.call(ctx, http.MethodPost, "/slots/recovery", SlotInput{Label: label}, &out)
}

// AddPassphrase makes a further passphrase slot.
func (c *Client) AddPassphrase(ctx context.Context, in PassphraseInput) (out Slot, err error) {
	return out, c.call(ctx, http.MethodPost, "/slots/passphrase", in, &out)
}

// ChangePassphrase replaces a passphrase by another.
func (c *Client) ChangePassphrase(ctx context.Context, in ChangeInput) error {
	return c.call(ctx, http.MethodPost, "/slots/passphrase/change", in, nil)
}

// RemoveSlot removes a way to unlock the vault.
func (c *Client) RemoveSlot(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/slots/"+url.PathEscape(id), nil, nil)
}

// Keys lists the stored provider keys without their secrets.
func (c *Client) Keys(ctx context.Context) (out []Key, err error) {
	return out, c.call(ctx, http.MethodGet, "/keys", nil, &out)
}

// AddKey stores a provider key.
func (c *Client) AddKey(ctx context.Context, in KeyInput) (out Key, err error) {
	return out, c.call(ctx, http.MethodPost, "/keys", in, &out)
}

// TestKey makes one cheap call to the provider with a stored key, named by id,
// label or resource.
func (c *Client) TestKey(ctx context.Context, name string) (out KeyTest, err error) {
	return out, c.call(ctx, http.MethodPost, "/keys/"+url.PathEscape(name)+"/test", nil, &out)
}

// RemoveKey deletes a stored key, named by id, label or resource.
func (c *Client) RemoveKey(ctx context.Context, name string) (out Key, err error) {
	return out, c.call(ctx, http.MethodDelete, "/keys/"+url.PathEscape(name), nil, &out)
}

// Pair makes a pairing string.
func (c *Client) Pair(ctx context.Context, in PairInput) (out PairOutput, err error) {
	return out, c.call(ctx, http.MethodPost, "/strings", in, &out)
}

// Requests lists the apps that wait for an answer, oldest first.
func (c *Client) Requests(ctx context.Context) (out []Request, err error) {
	return out, c.call(ctx, http.MethodGet, "/requests", nil, &out)
}

// Approve grants what a request asks for. name is its id or user code.
func (c *Client) Approve(ctx context.Context, name string, in ApproveInput) (out ApproveOutput, err error) {
	return out, c.call(ctx, http.MethodPost, "/requests/"+url.PathEscape(name)+"/approve", in, &out)
}

// Deny refuses a request. name is its id or user code.
func (c *Client) Deny(ctx context.Context, name string) (out Request, err error) {
	return out, c.call(ctx, http.MethodPost, "/requests/"+url.PathEscape(name)+"/deny", nil, &out)
}

// Apps lists all apps, revoked ones included.
func (c *Client) Apps(ctx context.Context) (out []App, err error) {
	return out, c.call(ctx, http.MethodGet, "/apps", nil, &out)
}

// App returns one app with its usage. name is its id or its name.
func (c *Client) App(ctx context.Context, name string) (out AppDetail, err error) {
	return out, c.call(ctx, http.MethodGet, "/apps/"+url.PathEscape(name), nil, &out)
}

// Suspend refuses an app until it is resumed, and cuts what it has running.
func (c *Client) Suspend(ctx context.Context, name string) (App, error) {
	return c.changeApp(ctx, name, "suspend")
}

// Resume ends a suspension.
func (c *Client) Resume(ctx context.Context, name string) (App, error) {
	return c.changeApp(ctx, name, "resume")
}

// Revoke ends an app for good and cuts what it has running.
func (c *Client) Revoke(ctx context.Context, name string) (App, error) {
	return c.changeApp(ctx, name, "revoke")
}

func (c *Client) changeApp(ctx context.Context, name, change string) (out App, err error) {
	return out, c.call(ctx, http.MethodPost, "/apps/"+url.PathEscape(name)+"/"+change, nil, &out)
}

// Audit returns the newest n events, newest last.
func (c *Client) Audit(ctx context.Context, n int) (out []Event, err error) {
	return out, c.call(ctx, http.MethodGet, "/audit?lines="+strconv.Itoa(n), nil, &out)
}

// VerifyAudit checks the audit chain from its first line. A broken chain is a
// Verification with OK false, not an error.
func (c *Client) VerifyAudit(ctx context.Context) (out Verification, err error) {
	return out, c.call(ctx, http.MethodGet, "/audit/verify", nil, &out)
}

// FollowAudit calls fn with the newest n events and then with each new one,
// until ctx is done, fn fails or the gateway stops. It returns nil when ctx is
// done or the gateway stopped in order, and ErrNoServer when it went away.
func (c *Client) FollowAudit(ctx context.Context, n int, fn func(Event) error) error {
	res, err := c.send(ctx, http.MethodGet, "/audit/follow?lines="+strconv.Itoa(n), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	events := jsontext.NewDecoder(res.Body)
	for {
		var event Event
		err := json.UnmarshalDecode(events, &event)
		switch {
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return noServer{c.dir} // it ended without saying so
		case err != nil:
			return fmt.Errorf("following the audit log: %w", err)
		}
		if err := fn(event); err != nil {
			return err
		}
	}
}

func (c *Client) do(ctx context.Context, path string) error {
	return c.call(ctx, http.MethodPost, path, nil, nil)
}

// call sends in as JSON, when it is not nil, and reads the answer into out.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	res, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	if out == nil {
		return res.Body.Close()
	}
	return readAnswer(res, out)
}

// readAnswer reads the JSON of an answer into out.
func readAnswer(res *http.Response, out any) error {
	defer res.Body.Close()
	if err := json.UnmarshalRead(io.LimitReader(res.Body, maxAnswer), out); err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	return nil
}

// send makes one request and returns the answer when it is a success.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	return c.sendBody(ctx, method, path, body)
}

// sendBody is send with the JSON as it is; nil is none.
func (c *Client) sendBody(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	// The host never leaves this machine: the transport dials the socket.
	req, err := http.NewRequestWithContext(ctx, method, "http://"+host+root+path, body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(err)
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, readRefusal(res)
	}
	return res, nil
}

func readRefusal(res *http.Response) error {
	var body errorBody
	err := json.UnmarshalRead(io.LimitReader(res.Body, maxAnswer), &body)
	if err != nil || body.Error == nil || body.Error.Message == "" {
		return refuse(res.StatusCode, CodeInternal, "the gateway answered %s; is it another version than this command?", res.Status)
	}
	body.Error.Status = res.StatusCode
	return body.Error
}

// explain says what to type when no gateway answers.
func (c *Client) explain(err error) error {
	if errors.Is(err, owner.ErrNoServer) {
		return noServer{c.dir}
	}
	return err
}

// noServer is ErrNoServer for one data directory.
type noServer struct{ dir string }

func (e noServer) Error() string {
	return fmt.Sprintf("no gateway is running for %s; start one with: gateway serve --data %[1]s", e.dir)
}

func (noServer) Is(target error) bool { return target == ErrNoServer }
