package ui

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// showRequests is GET /requests.
func (u *UI) showRequests(c echo.Context) error {
	return render(c, http.StatusOK, requestsPage(requestsView{
		Frame:   u.frame(c, "Requests", "requests", "/requests"),
		Waiting: u.waiting(),
	}))
}

func (u *UI) waiting() []waitingView {
	var all []waitingView
	for _, r := range u.cfg.Pairing.Requests() {
		all = append(all, waitingView{
			ID: r.ID, AppName: r.AppName, UserCode: r.UserCode,
			For: u.titlesOf(offered(r)), Asked: u.at(r.CreatedAt), Until: u.at(r.ExpiresAt),
		})
	}
	return all
}

// offered are the documents that a request is about: those the owner attached
// to the pairing string, for what was asked, before those the app asks for.
func offered(r pairing.ConsentRequest) []policy.Document {
	if len(r.Preset) > 0 {
		return r.Preset
	}
	return r.Asked
}

// titlesOf names the resources of documents: "OpenAI and Resend".
func (u *UI) titlesOf(documents []policy.Document) string {
	var names []string
	for _, d := range documents {
		names = append(names, u.title(d.Resource))
	}
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
