package ui

import "github.com/labstack/echo/v4"

// frame is what surrounds a page of the signed-in owner. path is the page's
// own address, to which the buttons of the bar return.
func (u *UI) frame(c echo.Context, title, nav, path string) frame {
	return frame{
		Title:    title,
		Nav:      nav,
		Path:     path,
		SignedIn: true,
		Locked:   u.cfg.Vault.Locked(),
		Frozen:   u.cfg.Pairing.Frozen(),
		Restored: u.cfg.Restored(),
		Pending:  len(u.cfg.Pairing.Requests()),
		Alerts:   u.cfg.Alerts.Unread(),
		Said:     u.said(c),
	}
}

// posted is a field of the form that was sent. The address is not looked at:
// a link must not be able to fill in a form.
func posted(c echo.Context, name string) string { return c.Request().PostFormValue(name) }
