package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/resend/resend-go/v2"
	"google.golang.org/genai"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/plugins/fakeupstream"
)

// driver is one SDK as the table of errors uses it. Each of its functions takes
// the SDK's own way; raised reads the SDK's own error type, false for another.
type driver struct {
	resource, model string
	use             func(t *testing.T, c *client.Connection) (*caller, *counter)
	raised          func(error) (status int, code string, ok bool)
	cutStatus       bool // a cut stream's error has the status of the cut
	reached         func(h *house) int
}

// script has the provider of the driver misbehave.
func (d driver) script(h *house, f fakeupstream.Fault) {
	if err := h.script(strings.TrimPrefix(d.resource, "llm:"), f); err != nil {
		panic(err)
	}
}

// caller is what an SDK is asked to do.
type caller struct {
	ask    func(ctx context.Context, model string) error
	stream func(ctx context.Context, model string, each func()) error
	other  func(ctx context.Context) error // an endpoint that is not offered
}

func drivers() map[string]driver {
	return map[string]driver{"openai-go": openaiDriver(), "anthropic-sdk-go": anthropicDriver(), "genai": genaiDriver()}
}

func openaiDriver() driver {
	return driver{
		resource: "llm:openai", model: "gpt-4o-mini",
		use: func(_ *testing.T, c *client.Connection) (*caller, *counter) {
			ai, n := openaiSDK(c)
			return &caller{
				ask: func(ctx context.Context, model string) error {
					return second(ai.Chat.Completions.New(ctx, question(model)))
				},
				stream: func(ctx context.Context, model string, each func()) error {
					s := ai.Chat.Completions.NewStreaming(ctx, question(model))
					for s.Next() {
						each()
					}
					return s.Err()
				},
				other: func(ctx context.Context) error { _, err := ai.Files.List(ctx, openai.FileListParams{}); return err },
			}, n
		},
		raised: func(err error) (int, string, bool) {
			var whole *openai.Error
			if errors.As(err, &whole) {
				return whole.StatusCode, whole.Code, true
			}
			var cut *ssestream.StreamError
			if errors.As(err, &cut) {
				return 0, client.BodyCode(string(cut.Event.Data)), true
			}
			return 0, "", false
		},
		reached: func(h *house) int { return h.Fake.Count() },
	}
}

func anthropicDriver() driver {
	return driver{
		resource: "llm:anthropic", model: sonnet, cutStatus: false,
		use: func(_ *testing.T, c *client.Connection) (*caller, *counter) {
			ai, n := anthropicSDK(c)
			return &caller{
				ask: func(ctx context.Context, model string) error {
					_, err := ai.Messages.New(ctx, anthropicQuestion(model))
					return err
				},
				stream: func(ctx context.Context, model string, each func()) error {
					s := ai.Messages.NewStreaming(ctx, anthropicQuestion(model))
					for s.Next() {
						each()
					}
					return s.Err()
				},
				other: func(ctx context.Context) error {
					_, err := ai.Messages.Batches.List(ctx, anthropic.MessageBatchListParams{})
					return err
				},
			}, n
		},
		raised: func(err error) (int, string, bool) {
			var failure *anthropic.Error
			if !errors.As(err, &failure) {
				return 0, "", false
			}
			return failure.StatusCode, client.BodyCode(failure.RawJSON()), true
		},
		reached: func(h *house) int { return h.anthropic.Count() },
	}
}

func genaiDriver() driver {
	return driver{
		resource: "llm:gemini", model: flash, cutStatus: true,
		use: func(t *testing.T, c *client.Connection) (*caller, *counter) {
			ai, n := genaiSDK(t, c)
			return &caller{
				ask: func(ctx context.Context, model string) error {
					_, err := ai.Models.GenerateContent(ctx, model, genai.Text("Say something."), nil)
					return err
				},
				stream: func(ctx context.Context, model string, each func()) error {
					for _, err := range ai.Models.GenerateContentStream(ctx, model, genai.Text("Say something."), nil) {
						if err != nil {
							return err
						}
						each()
					}
					return nil
				},
				other: func(ctx context.Context) error { _, err := ai.Caches.Get(ctx, "cachedContents/x", nil); return err },
			}, n
		},
		raised: func(err error) (int, string, bool) {
			var failure genai.APIError
			if !errors.As(err, &failure) {
				return 0, "", false
			}
			if len(failure.Details) == 0 {
				return failure.Code, "", true
			}
			code, _ := failure.Details[0]["reason"].(string)
			return failure.Code, code, true
		},
		reached: func(h *house) int { return h.gemini.Count() },
	}
}

// TestSDKErrors has each SDK raise its own error for what the gateway refuses,
// with the gateway's code in it, and looks at how often it was sent.
func TestSDKErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, d := range drivers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("denied model", func(t *testing.T) {
				u := d.begin(t, h, members{"resource": d.resource, "models": []string{"none-*"}})
				u.refused(t, u.ask(t.Context(), d.model), 403, "model_not_allowed", 1)
				u.refused(t, u.stream(t.Context(), d.model, func() {}), 403, "model_not_allowed", 1)
				u.reached(t, 0)
			})
			t.Run("input over the cap", func(t *testing.T) {
				u := d.begin(t, h, members{"resource": d.resource, "max_input_tokens": 1})
				u.refused(t, u.ask(t.Context(), d.model), 403, "input_cap_exceeded", 1)
				u.reached(t, 0)
			})
			t.Run("endpoint that is not offered", func(t *testing.T) {
				u := d.begin(t, h, members{"resource": d.resource})
				u.refused(t, u.other(t.Context()), 404, "unsupported_endpoint", 1)
				u.reached(t, 0)
			})
			t.Run("spent requests", func(t *testing.T) {
				u := d.begin(t, h, members{"resource": d.resource, "limits": []members{{"per": "day", "requests": 1}}})
				if err := u.ask(t.Context(), d.model); err != nil {
					t.Fatal(err)
				}
				u.sent()
				u.refused(t, u.ask(t.Context(), d.model), 429, "request_quota_spent", 1)
				u.retryAfter(t)
				u.reached(t, 1)
			})
			t.Run("spent dollars", func(t *testing.T) {
				u := d.begin(t, h, members{"resource": d.resource, "limits": []members{{"per": "month", "dollars": "0.000000001"}}})
				u.refused(t, u.ask(t.Context(), d.model), 429, "dollar_budget_spent", 1) // more than the whole: waiting does not help
				u.reached(t, 0)
			})
			t.Run("provider's error, once", func(t *testing.T) {
				u := d.begin(t, h, members{"resource": d.resource})
				d.script(h, fakeupstream.Fault{Status: 500, Times: 1})
				err := u.ask(t.Context(), d.model)
				sent := u.sent()
				if retries := len(sent) == 2; retries != (err == nil) || sent[0] != 500 {
					t.Errorf("%v after %v", err, sent)
				}
				d.script(h, fakeupstream.Fault{})
			})
			t.Run("provider refuses the owner's key", func(t *testing.T) {
				u := d.begin(t, h, members{"resource": d.resource})
				d.script(h, fakeupstream.Fault{Status: http.StatusUnauthorized, Times: 1})
				u.refused(t, u.ask(t.Context(), d.model), 502, "upstream_error", 1)
				d.script(h, fakeupstream.Fault{})
				if err := h.heal(t.Context(), d.resource); err != nil {
					t.Fatal(err)
				}
			})
			t.Run("revoked while it streams", func(t *testing.T) { d.revoked(t, h) })
		})
	}
}

// user is an app with its SDK.
type user struct {
	driver
	*caller
	*counter
	house  *house
	app    string
	before int
}

func (d driver) begin(t *testing.T, h *house, document members) *user {
	t.Helper()
	c := h.pair(t, written(document))
	u := &user{driver: d, house: h, app: c.ClientID(), before: d.reached(h)}
	u.caller, u.counter = d.use(t, c)
	return u
}

// refused wants the SDK's own error, with status and code, after so many requests.
func (u *user) refused(t *testing.T, err error, status int, code string, sent int) {
	t.Helper()
	gotStatus, gotCode, ok := u.raised(err)
	if !ok || gotStatus != status || gotCode != code || client.CodeError(code) == nil {
		t.Errorf("raised %T (%v): %d %s, want %d %s", err, err, gotStatus, gotCode, status, code)
	}
	if got := u.sent(); len(got) != sent {
		t.Errorf("sent %v, want %d", got, sent)
	}
}

func (u *user) retryAfter(t *testing.T) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.last.Get("Retry-After") == "" || u.last.Get("X-RateLimit-Reset") == "" || u.last.Get("X-Should-Retry") != "false" {
		t.Errorf("answered with %v", u.last)
	}
}

func (u *user) reached(t *testing.T, n int) {
	t.Helper()
	if got := u.driver.reached(u.house) - u.before; got != n {
		t.Errorf("the provider saw %d requests, want %d", got, n)
	}
}

// revoked ends an app in the middle of a stream: the SDK raises it at once, and
// asking again says the same, without asking the provider.
func (d driver) revoked(t *testing.T, h *house) {
	u := d.begin(t, h, members{"resource": d.resource})
	d.script(h, fakeupstream.Fault{Endless: true, WordDelay: 5 * time.Millisecond})
	defer d.script(h, fakeupstream.Fault{})
	events := 0
	err := u.stream(t.Context(), d.model, func() {
		if events++; events == 5 {
			if _, err := h.Admin.Revoke(t.Context(), u.app); err != nil {
				t.Error(err)
			}
		}
	})
	status, code, ok := u.raised(err)
	if !ok || code != "invalid_token" || d.cutStatus && status != 401 || events < 5 {
		t.Errorf("after %d events %T: %d %s: %v", events, err, status, code, err)
	}
	if sent := u.sent(); !slices.Equal(sent, []int{200}) {
		t.Errorf("sent %v", sent)
	}
	if err := u.ask(t.Context(), d.model); !errors.Is(err, client.ErrSessionEnded) {
		t.Errorf("afterwards: %v", err)
	}
	d.script(h, fakeupstream.Fault{})
	u.reached(t, 1)
}

// TestResendErrors: resend-go keeps the message of an error, and of 429 its headers.
func TestResendErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mail, n := resendSDK(t, h.pair(t, `{"resource":"mail:resend","actions":["emails.send"],
		"mail":{"from_domains":["example.com"],"to_domains":["example.org"]},"limits":[{"per":"day","requests":1}]}`))
	ctx := t.Context()
	for code, err := range map[string]error{
		"recipient_not_allowed": last(mail.Emails.SendWithContext(ctx, letter("eve@example.net"))),
		"action_not_granted":    last(mail.Batch.SendWithContext(ctx, []*resend.SendEmailRequest{letter("bob@example.org")})),
		"unsupported_endpoint":  last(mail.Domains.ListWithContext(ctx)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "[ERROR]: ") || !strings.HasSuffix(err.Error(), "("+code+")") {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	if h.resend.Count() != 0 {
		t.Error("a refused mail reached the provider")
	}
	if _, err := mail.Emails.SendWithContext(ctx, letter("bob@example.org")); err != nil {
		t.Fatal(err)
	}
	n.sent()
	var raised *resend.RateLimitError
	err := last(mail.Emails.SendWithContext(ctx, letter("bob@example.org")))
	if !errors.As(err, &raised) || !errors.Is(err, resend.ErrRateLimit) || raised.RetryAfter == "" || !strings.HasSuffix(raised.Message, "(request_quota_spent)") {
		t.Errorf("got %+v", err)
	}
	if sent := n.sent(); len(sent) != 1 || len(h.resend.Sent()) != 1 {
		t.Errorf("sent %v; %d mails went out", sent, len(h.resend.Sent()))
	}
}

func last[T any](_ T, err error) error { return err }
