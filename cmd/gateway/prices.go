package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/internal/policy"
	"github.com/keywicket/keywicket/internal/policy/price"
)

const (
	// catalogURL is where prices come from: the models.dev project's catalog.
	catalogURL  = "https://models.dev/api.json"
	catalogTime = 30 * time.Second
)

func (g *gateway) pricesCommand() *cobra.Command {
	cmd := group("prices", "What models cost", g.pricesListCommand(), g.pricesShowCommand(), g.pricesSetCommand(), g.pricesUnsetCommand(), g.pricesRefreshCommand())
	cmd.Long = `What models cost. The gateway carries the catalog of models.dev (MIT licence);
gateway prices refresh puts a newer one in place, and gateway prices set a price
of your own, which counts first. Under a limit in dollars, a model without a price
is refused.`
	return cmd
}

func (g *gateway) pricesListCommand() *cobra.Command {
	cmd := g.owned("list [RESOURCE]", "List models and their prices", atMostOne("a resource such as llm:openai"), func(ctx context.Context, client *admin.Client, args []string) error {
		resource := ""
		if len(args) > 0 {
			resource = args[0]
		}
		all, err := client.Prices(ctx, resource)
		if err != nil {
			return err
		}
		return g.show(all, func() {
			var rows [][]string
			for _, p := range all {
				rows = append(rows, priceCells(p))
			}
			g.list("no model is known; see: gateway prices list", "RESOURCE MODEL IN CACHED CACHE-WRITE OUT FROM", rows)
		})
	})
	cmd.Long = "List models and their prices, in dollars per million tokens. Those with longer\ninputs may cost more: see gateway prices show."
	return cmd
}

func priceCells(p admin.Price) []string {
	from := "catalog"
	if p.Derived {
		from = "another name of it"
	}
	if p.Own {
		from = "you"
	}
	if !p.Priced {
		return []string{p.Resource, p.Model, "unpriced", "", "", "", from}
	}
	cells := []string{p.Resource, p.Model}
	for _, n := range []int64{p.Rate.Input, p.Rate.CacheRead, p.Rate.CacheWrite, p.Rate.Output} {
		cells = append(cells, policy.Dollars(n).String())
	}
	return append(cells, from)
}

func (g *gateway) pricesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show [RESOURCE MODEL]", Short: "Show one price in full, or where the prices come from",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exactly("a resource such as llm:openai", "a model such as gpt-4o")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.onceDialed(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				if len(args) == 0 {
					return g.showPriceInfo(ctx, client)
				}
				return g.showPrice(ctx, client, args[0], args[1])
			})
		},
	}
}

func (g *gateway) showPriceInfo(ctx context.Context, client *admin.Client) error {
	info, err := client.PriceInfo(ctx)
	if err != nil {
		return err
	}
	return g.show(info, func() {
		from := "the gateway's own, from models.dev"
		if !info.Replaced.IsZero() {
			from = "put in by you, " + clock(info.Replaced)
		}
		g.facts("catalog", from, "providers", strconv.Itoa(info.Providers), "models", strconv.Itoa(info.Models),
			"with a price", strconv.Itoa(info.Priced), "your own", strconv.Itoa(info.Overrides))
	})
}

func (g *gateway) showPrice(ctx context.Context, client *admin.Client, resource, model string) error {
	p, err := client.Price(ctx, resource, model)
	if err != nil {
		return err
	}
	return g.show(p, func() {
		g.list("", "RESOURCE MODEL IN CACHED CACHE-WRITE OUT FROM", [][]string{priceCells(p)})
		for _, t := range p.Rate.Tiers {
			g.say("above %d input tokens: in %s, cached %s, cache write %s, out %s", t.Above,
				policy.Dollars(t.Input), policy.Dollars(t.CacheRead), policy.Dollars(t.CacheWrite), policy.Dollars(t.Output))
		}
		hidden := ""
		if p.Rate.Hidden {
			hidden = "it may think at length before its first word: what it may cost is held from the start"
		}
		g.facts("each request", notZero(policy.Dollars(p.Rate.Request).String(), p.Rate.Request), "context", notZero(strconv.FormatInt(p.Rate.MaxContext, 10), p.Rate.MaxContext),
			"longest answer", notZero(strconv.FormatInt(p.Rate.MaxOutput, 10), p.Rate.MaxOutput), "note", hidden)
	})
}

func notZero(text string, n int64) string {
	if n == 0 {
		return ""
	}
	return text
}

func (g *gateway) pricesSetCommand() *cobra.Command {
	var cmd *cobra.Command
	cmd = g.owned("set RESOURCE MODEL", "Set a price of your own", exactly("a resource such as llm:openai", "a model such as gpt-4o"), func(ctx context.Context, client *admin.Client, args []string) error {
		own, err := g.ownPrice(cmd.Flags().Changed)
		if err != nil {
			return err
		}
		if err := client.SetPrice(ctx, admin.PriceInput{Resource: args[0], Model: args[1], Price: own}); err != nil {
			return err
		}
		return g.done("%s of %s costs %s in and %s out per million tokens", args[1], args[0], policy.Dollars(own.Input), policy.Dollars(own.Output))
	})
	cmd.Long = `Set a price of your own, in dollars per million tokens. It counts before the
catalog's. MODEL may have * and ? in it. Without --cached and --cache-write these
cost what --input does. Of a model that the catalog does not know, the longest
answer is held from the start under limits in tokens and dollars, unless
--visible says that it writes nothing that no client sees.`
	cmd.Example = "  gateway prices set llm:openai my-finetune --input 3 --output 12 --cached 1.50\n  gateway prices set llm:local '*' --input 0 --output 0"
	return cmd
}

// ownPrice is what the flags of set spell.
func (g *gateway) ownPrice(given func(string) bool) (own price.Override, err error) {
	if !given("input") || !given("output") {
		return own, usagef("give --input and --output, in dollars per million tokens; 0 is a price too")
	}
	own = price.Override{MaxContext: g.priceContext, MaxOutput: g.priceMaxOutput, Hidden: g.priceHidden, Visible: g.priceVisible}
	var cached, written int64
	for _, f := range []struct {
		flag, text string
		into       *int64
	}{
		{"input", g.priceInput, &own.Input}, {"output", g.priceOutput, &own.Output}, {"per-request", g.priceRequest, &own.Request},
		{"cached", g.priceCached, &cached}, {"cache-write", g.priceCacheWrite, &written},
	} {
		if !given(f.flag) {
			continue
		}
		if *f.into, err = price.ParseDollars(f.text); err != nil {
			return own, usagef("--%s: %w", f.flag, err)
		}
	}
	if given("cached") {
		own.CacheRead = &cached
	}
	if given("cache-write") {
		own.CacheWrite = &written
	}
	return own, nil
}

func (g *gateway) pricesUnsetCommand() *cobra.Command {
	return g.owned("unset RESOURCE MODEL", "Take a price of your own away", exactly("a resource such as llm:openai", "a model such as gpt-4o"), func(ctx context.Context, client *admin.Client, args []string) error {
		if err := client.UnsetPrice(ctx, args[0], args[1]); err != nil {
			return err
		}
		return g.done("the price of %s of %s is the catalog's again, if that has one", args[1], args[0])
	})
}

func (g *gateway) pricesRefreshCommand() *cobra.Command {
	cmd := g.owned("refresh", "Put a newer catalog of prices in place", noArguments, func(ctx context.Context, client *admin.Client, _ []string) error {
		summary, err := g.refreshPrices(ctx, client)
		if err != nil {
			return err
		}
		return g.show(summary, func() {
			g.say("%s of %s, %d with a price: %d added, %d changed, %d removed", count(summary.Models, "model"),
				count(summary.Providers, "provider"), summary.Priced, summary.Added, summary.Changed, summary.Removed)
		})
	})
	cmd.Long = `Put a newer catalog of prices in place, from a file or a URL, in the shape of
` + catalogURL + `, which is also where it is fetched from when neither is
given. This command fetches it, the gateway itself does not; only https, no
redirect to elsewhere, at most 32 MiB. It counts from the next request on. Your
own prices stay. --builtin goes back to the catalog that the gateway carries.`
	cmd.Example = "  gateway prices refresh\n  gateway prices refresh --file api.json\n  gateway prices refresh --builtin"
	return cmd
}

func (g *gateway) refreshPrices(ctx context.Context, client *admin.Client) (admin.PriceSummary, error) {
	chosen := 0
	for _, is := range []bool{g.priceFile != "", g.priceURL != "", g.builtin} {
		if is {
			chosen++
		}
	}
	if chosen > 1 {
		return admin.PriceSummary{}, usagef("--file, --url and --builtin contradict each other; give one of them")
	}
	if g.builtin {
		return client.ResetPrices(ctx)
	}
	catalog, err := g.readCatalog(ctx)
	if err != nil {
		return admin.PriceSummary{}, err
	}
	return client.RefreshPrices(ctx, catalog)
}

func (g *gateway) readCatalog(ctx context.Context) ([]byte, error) {
	if g.priceFile != "" {
		return g.readInput(g.priceFile, admin.MaxCatalog)
	}
	address := g.priceURL
	if address == "" {
		address = catalogURL
	}
	return fetchCatalog(ctx, address)
}

// fetchCatalog reads a catalog over https. A redirect is followed on the same
// host only: what it says becomes what apps may spend.
func fetchCatalog(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, usagef("--url: give an https URL such as %s", catalogURL)
	}
	ctx, cancel := context.WithTimeout(ctx, catalogTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("fetching prices: %w", err)
	}
	req.Header.Set("User-Agent", "Keywicket")
	client := &http.Client{CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) > 3 || next.URL.Scheme != "https" || !strings.EqualFold(next.URL.Host, u.Host) {
			return errors.New("it leads elsewhere; give that address with --url if you trust it")
		}
		return nil
	}}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching prices: %w; fetch it yourself and give it with --file", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching prices: %s answered %s; give another with --url, or a file with --file", u.Host, res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, admin.MaxCatalog+1))
	if err != nil {
		return nil, fmt.Errorf("fetching prices: %w", err)
	}
	if len(data) > admin.MaxCatalog {
		return nil, fmt.Errorf("fetching prices: it is larger than %d bytes; is it the right address?", admin.MaxCatalog)
	}
	return data, nil
}
