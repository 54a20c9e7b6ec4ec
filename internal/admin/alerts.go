package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/alerts"
	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/pairing"
)

// Alert is one alert and what it says.
type Alert struct {
	alerts.Alert
	Words string `json:"words"` // without the name of the app
}

// Dismissed says how many alerts were marked as read.
type Dismissed struct {
	Dismissed int `json:"dismissed"`
}

// Webhook is where alerts are sent.
type Webhook = alerts.Webhook

// WebhookInput sets the webhook.
type WebhookInput struct {
	URL string `json:"url"`
}

// WebhookSecret is a webhook together with its signing secret, which is shown
// once.
type WebhookSecret struct {
	Webhook
	Secret string `json:"secret"` // whsec_ and base64
}

func (a *Admin) listAlerts(c echo.Context) error {
	out := []Alert{}
	for _, alert := range a.cfg.Alerts.List() {
		words := alert.Words()
		alert.Time = a.at(alert.Time)
		if alert.Limit != nil {
			limit := *alert.Limit
			limit.ResetsAt = a.at(limit.ResetsAt)
			alert.Limit = &limit
		}
		out = append(out, Alert{alert, words})
	}
	return answer(c, out)
}

func (a *Admin) dismissAlert(c echo.Context) error {
	id := c.Param("id")
	if err := a.cfg.Alerts.Dismiss(id); err != nil {
		return err
	}
	if err := a.did(audit.Event{Kind: audit.AlertDismissed, Detail: id}); err != nil {
		return err
	}
	return answer(c, Dismissed{1})
}

func (a *Admin) dismissAlerts(c echo.Context) error {
	n, err := a.cfg.Alerts.DismissAll()
	if err != nil {
		return err
	}
	if n > 0 {
		err = a.did(audit.Event{Kind: audit.AlertDismissed, Detail: count(n, "alert")})
	}
	if err != nil {
		return err
	}
	return answer(c, Dismissed{n})
}

func (a *Admin) showWebhook(c echo.Context) error {
	set, ok := a.cfg.Alerts.Webhook()
	if !ok {
		return alerts.ErrNoWebhook
	}
	return answer(c, a.webhookOf(set))
}

// setWebhook takes the new webhook back when that it was set cannot be
// recorded: alerts say who uses what.
func (a *Admin) setWebhook(c echo.Context) error {
	in, err := decode[WebhookInput](c)
	if err != nil {
		return err
	}
	secret, err := a.cfg.Alerts.SetWebhook(in.URL)
	if err != nil {
		return err
	}
	set, _ := a.cfg.Alerts.Webhook()
	if err := a.record(audit.Event{Kind: audit.WebhookSet, Detail: hostOf(set.URL)}); err != nil {
		return errors.Join(err, a.cfg.Alerts.RemoveWebhook())
	}
	return answer(c, WebhookSecret{a.webhookOf(set), secret})
}

func (a *Admin) testWebhook(c echo.Context) error {
	if err := a.cfg.Alerts.TestWebhook(c.Request().Context()); err != nil {
		return err
	}
	return done(c)
}

func (a *Admin) removeWebhook(c echo.Context) error {
	if err := a.cfg.Alerts.RemoveWebhook(); err != nil {
		return err
	}
	if err := a.did(audit.Event{Kind: audit.WebhookRemoved}); err != nil {
		return err
	}
	return done(c)
}

// did records what has been done and stands.
func (a *Admin) did(event audit.Event) error {
	if err := a.record(event); err != nil {
		return errors.Join(pairing.ErrNotRecorded, err)
	}
	return nil
}

func (a *Admin) webhookOf(w alerts.Webhook) Webhook {
	w.CreatedAt, w.Delivered, w.Failed = a.at(w.CreatedAt), a.at(w.Delivered), a.at(w.Failed)
	return w
}

// hostOf is what the audit log gets of a URL: the rest may be a secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// Alerts lists the alerts, newest first, dismissed ones included.
func (c *Client) Alerts(ctx context.Context) (out []Alert, err error) {
	return out, c.call(ctx, http.MethodGet, "/alerts", nil, &out)
}

// DismissAlert marks one alert as read.
func (c *Client) DismissAlert(ctx context.Context, id string) (out Dismissed, err error) {
	return out, c.call(ctx, http.MethodPost, "/alerts/"+url.PathEscape(id)+"/dismiss", nil, &out)
}

// DismissAlerts marks all alerts as read.
func (c *Client) DismissAlerts(ctx context.Context) (out Dismissed, err error) {
	return out, c.call(ctx, http.MethodPost, "/alerts/dismiss", nil, &out)
}

// Webhook says where alerts are sent.
func (c *Client) Webhook(ctx context.Context) (out Webhook, err error) {
	return out, c.call(ctx, http.MethodGet, "/webhook", nil, &out)
}

// SetWebhook sends alerts to address, in place of any before. The answer has
// the only copy of the signing secret.
func (c *Client) SetWebhook(ctx context.Context, address string) (out WebhookSecret, err error) {
	return out, c.call(ctx, http.MethodPost, "/webhook", WebhookInput{address}, &out)
}

// TestWebhook sends one message to try it.
func (c *Client) TestWebhook(ctx context.Context) error { return c.do(ctx, "/webhook/test") }

// RemoveWebhook sends nothing any more.
func (c *Client) RemoveWebhook(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/webhook", nil, nil)
}
