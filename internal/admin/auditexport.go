package admin

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
)

// AuditFilter chooses events of the audit log, and how to write them. Zero
// fields choose all.
type AuditFilter struct {
	Format string    `json:"format"`         // csv or jsonl
	Since  time.Time `json:"since,omitzero"` // included
	Until  time.Time `json:"until,omitzero"` // not included
	App    string    `json:"app,omitzero"`   // id or name
	Kind   string    `json:"kind,omitzero"`  // or its part before the dot
	Code   string    `json:"code,omitzero"`
}

// exportAudit answers the chosen events. An error in the middle breaks the
// connection off: half a list must not look whole.
func (a *Admin) exportAudit(c echo.Context) error {
	in, err := decode[AuditFilter](c)
	if err != nil {
		return err
	}
	if in.Format != string(audit.CSV) && in.Format != string(audit.JSONL) {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "there is no format %q; say --format csv or --format jsonl", in.Format)
	}
	c.Response().Header().Set(echo.HeaderContentType, map[string]string{"csv": "text/csv", "jsonl": "application/x-ndjson"}[in.Format])
	filter := audit.Filter{Since: in.Since, Until: in.Until, App: in.App, Kind: in.Kind, Code: in.Code}
	err = a.cfg.Audit.Export(c.Response(), filter, audit.Format(in.Format))
	if err != nil && c.Response().Committed {
		a.cfg.Log.Error("audit export broke off", "error", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// ExportAudit writes the chosen events to w, the oldest first.
func (c *Client) ExportAudit(ctx context.Context, filter AuditFilter, w io.Writer) error {
	return c.stream(ctx, http.MethodPost, "/audit/export", filter, w)
}
