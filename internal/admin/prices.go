package admin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
	"github.com/keywicket/keywicket/internal/policy/price"
)

// MaxCatalog bounds a price catalog, in bytes.
const MaxCatalog = 32 << 20

// Price is what one model costs.
type Price struct {
	Resource string `json:"resource"`
	// Derived says that the model is not listed: its price is that of its name
	// without the date, or of a glob.
	Derived bool `json:"derived,omitzero"`
	price.Entry
}

// PriceInput sets a price of the owner's own.
type PriceInput struct {
	Resource string         `json:"resource"`
	Model    string         `json:"model"` // a glob, such as gpt-4o*
	Price    price.Override `json:"price"`
}

// PriceInfo tells where the prices come from.
type PriceInfo = price.Info

// PriceSummary tells what a catalog changed.
type PriceSummary = price.Summary

// listPrices answers all prices, or those of one resource.
func (a *Admin) listPrices(c echo.Context) error {
	resources := a.cfg.Prices.Resources()
	if only := c.QueryParam("resource"); only != "" {
		resources = []string{only}
	}
	out := []Price{}
	for _, resource := range resources {
		for _, entry := range a.cfg.Prices.List(resource) {
			out = append(out, Price{Resource: resource, Entry: entry})
		}
	}
	return answer(c, out)
}

// findPrice answers what a model would be charged at, by whatever name an app
// may give it.
func (a *Admin) findPrice(c echo.Context) error {
	resource, model := c.QueryParam("resource"), c.QueryParam("model")
	for _, entry := range a.cfg.Prices.List(resource) {
		if entry.Model == model {
			return answer(c, Price{Resource: resource, Entry: entry})
		}
	}
	rate, priced := a.cfg.Prices.Rate(resource, model)
	if !priced {
		return refuse(http.StatusNotFound, CodeNoPrice, "no price is known for model %q of %s; see: gateway prices list %[2]s", model, resource)
	}
	return answer(c, Price{Resource: resource, Derived: true, Entry: price.Entry{Model: model, Priced: true, Rate: rate}})
}

func (a *Admin) priceInfo(c echo.Context) error {
	info := a.cfg.Prices.Info()
	info.Replaced = a.at(info.Replaced)
	return answer(c, info)
}

func (a *Admin) setPrice(c echo.Context) error {
	in, err := decode[PriceInput](c)
	if err != nil {
		return err
	}
	if err := a.knownResource(in.Resource); err != nil {
		return err
	}
	if err := a.cfg.Prices.Set(in.Resource, in.Model, in.Price); err != nil {
		return err
	}
	detail := fmt.Sprintf("$%s in, $%s out per million tokens, $%s a request",
		price.FormatDollars(in.Price.Input), price.FormatDollars(in.Price.Output), price.FormatDollars(in.Price.Request))
	if err := a.did(audit.Event{Kind: audit.PriceSet, Resource: in.Resource, Model: in.Model, Detail: detail}); err != nil {
		return err
	}
	return done(c)
}

func (a *Admin) unsetPrice(c echo.Context) error {
	in, err := decode[PriceInput](c)
	if err != nil {
		return err
	}
	if err := a.cfg.Prices.Unset(in.Resource, in.Model); err != nil {
		return err
	}
	if err := a.did(audit.Event{Kind: audit.PriceUnset, Resource: in.Resource, Model: in.Model}); err != nil {
		return err
	}
	return done(c)
}

// refreshPrices puts the catalog that is the body in place.
func (a *Admin) refreshPrices(c echo.Context) error {
	catalog, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, MaxCatalog))
	if err != nil {
		return refuse(http.StatusRequestEntityTooLarge, CodeInvalidCatalog, "a price catalog has at most %d bytes", MaxCatalog)
	}
	summary, err := a.cfg.Prices.Replace(catalog)
	if err != nil {
		return err
	}
	return a.refreshed(c, audit.PricesRefreshed, summary)
}

func (a *Admin) resetPrices(c echo.Context) error {
	summary, err := a.cfg.Prices.Reset()
	if err != nil {
		return err
	}
	return a.refreshed(c, audit.PricesReset, summary)
}

func (a *Admin) refreshed(c echo.Context, kind audit.Kind, s price.Summary) error {
	detail := fmt.Sprintf("%s, %d added, %d changed, %d removed", count(s.Models, "model"), s.Added, s.Changed, s.Removed)
	if err := a.did(audit.Event{Kind: kind, Detail: detail}); err != nil {
		return err
	}
	return answer(c, s)
}

// Prices lists the prices of a resource, or of all when it is empty.
func (c *Client) Prices(ctx context.Context, resource string) (out []Price, err error) {
	path := "/prices"
	if resource != "" {
		path += "?" + url.Values{"resource": {resource}}.Encode()
	}
	return out, c.call(ctx, http.MethodGet, path, nil, &out)
}

// Price returns what one model would be charged at.
func (c *Client) Price(ctx context.Context, resource, model string) (out Price, err error) {
	path := "/prices/find?" + url.Values{"resource": {resource}, "model": {model}}.Encode()
	return out, c.call(ctx, http.MethodGet, path, nil, &out)
}

// PriceInfo tells where the prices come from.
func (c *Client) PriceInfo(ctx context.Context) (out PriceInfo, err error) {
	return out, c.call(ctx, http.MethodGet, "/prices/info", nil, &out)
}

// SetPrice gives a model a price of the owner's own.
func (c *Client) SetPrice(ctx context.Context, in PriceInput) error {
	return c.call(ctx, http.MethodPost, "/prices/set", in, nil)
}

// UnsetPrice takes a price of the owner's own away.
func (c *Client) UnsetPrice(ctx context.Context, resource, model string) error {
	return c.call(ctx, http.MethodPost, "/prices/unset", PriceInput{Resource: resource, Model: model}, nil)
}

// RefreshPrices puts a catalog, of at most MaxCatalog bytes, in place of the
// one before.
func (c *Client) RefreshPrices(ctx context.Context, catalog []byte) (out PriceSummary, err error) {
	res, err := c.sendBody(ctx, http.MethodPost, "/prices/refresh", bytes.NewReader(catalog))
	if err != nil {
		return out, err
	}
	return out, readAnswer(res, &out)
}

// ResetPrices puts the catalog that the gateway carries back in place.
func (c *Client) ResetPrices(ctx context.Context) (out PriceSummary, err error) {
	return out, c.call(ctx, http.MethodPost, "/prices/reset", nil, &out)
}
