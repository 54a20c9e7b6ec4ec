package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
)

// showDevice is GET /device?user_code=…, the verification_uri of RFC 8628. A
// code leads to the consent screen, which shows it again to be compared
// (section 5.4): to follow a link approves nothing.
func (u *UI) showDevice(c echo.Context) error {
	code := strings.TrimSpace(c.QueryParam("user_code"))
	v := deviceView{Frame: u.frame(c, "Enter the code", "requests", "/device"), Code: code}
	if code == "" {
		return render(c, http.StatusOK, devicePage(v))
	}
	r, err := u.cfg.Pairing.RequestByUserCode(code)
	if errors.Is(err, pairing.ErrNoRequest) {
		v.Problem = "No app is waiting with this code. Codes lapse after a few minutes: let the app ask again."
		return render(c, http.StatusNotFound, devicePage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/requests/"+url.PathEscape(r.ID))
}
