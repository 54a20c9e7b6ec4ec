package ui

import "github.com/labstack/echo/v4"

// freeze is POST /freeze. It does not ask twice: it can be undone, and it is
// wanted at once. The banner of the next page says that it is done.
func (u *UI) freeze(c echo.Context) error {
	if err := u.cfg.Pairing.Freeze(); err != nil {
		return err
	}
	return u.done(c, "", posted(c, "back"))
}

// thaw is POST /thaw.
func (u *UI) thaw(c echo.Context) error {
	if err := u.cfg.Pairing.Thaw(); err != nil {
		return err
	}
	return u.done(c, saidThawed, posted(c, "back"))
}
