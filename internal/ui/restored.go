package ui

import (
	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/audit"
)

// acceptRestore is POST /accept-restore: apps are served from a database that
// was put back. It is recorded first, because it gives apps something.
func (u *UI) acceptRestore(c echo.Context) error {
	back := posted(c, "back")
	if !u.cfg.Restored() {
		return u.done(c, "", back)
	}
	if err := u.record(audit.Event{Kind: audit.RestoreAccepted, Address: c.RealIP()}); err != nil {
		return err
	}
	if err := u.cfg.AcceptRestore(); err != nil {
		return err
	}
	return u.done(c, saidAccepted, back)
}
