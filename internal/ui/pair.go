package ui

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

// validMinutes are the times offered for redeeming a string.
var validMinutes = []int{1, 10, 30, 60}

// showPair is GET /pair.
func (u *UI) showPair(c echo.Context) error {
	return render(c, http.StatusOK, pairPage(pairView{
		Frame:     u.frame(c, "Pair an app", "pair", "/pair"),
		Decide:    "later",
		Resources: u.resourceChoices(""),
		Keys:      u.keyOffers("", u.resourceIDs()...),
		Amount:    amountView{Capped: true, Requests: strconv.Itoa(defaultRequests)},
		Until:     u.untilChoices("", "", nil),
		Valid:     validChoices("10"),
	}))
}

// pair is POST /pair. The string is in this answer and nowhere else, so this
// is the one form whose result is not a redirect.
func (u *UI) pair(c echo.Context) error {
	options, err := u.stringOptions(c)
	var made pairing.PairingString
	if err == nil {
		made, err = u.cfg.Pairing.CreateString(options)
	}
	if problem, refused := documentProblem(err, pairing.ErrStringOptions); refused {
		return u.pairAgain(c, problem)
	}
	if err != nil {
		return err
	}
	picture, err := drawQR(made.Value)
	if err != nil {
		return err
	}
	view := pairedView{
		Frame: u.frame(c, "Your pairing string", "pair", "/pair"),
		Value: made.Value, Picture: picture, Until: u.at(made.ExpiresAt), Approve: options.Approve,
	}
	for _, d := range options.Preset {
		view.Preset = append(view.Preset, grantView{Title: u.title(d.Resource), Resource: d.Resource, Sentences: d.Sentences(u.cfg.Zone)})
	}
	return render(c, http.StatusOK, pairedPage(view))
}

// stringOptions reads the form.
func (u *UI) stringOptions(c echo.Context) (pairing.StringOptions, error) {
	minutes, err := strconv.Atoi(posted(c, "valid"))
	if err != nil {
		return pairing.StringOptions{}, formError("Choose for how long the string can be redeemed.")
	}
	options := pairing.StringOptions{TTL: time.Duration(minutes) * time.Minute}
	switch posted(c, "decide") {
	case "later":
		return options, nil
	case "now":
	default:
		return options, formError("Choose whether you decide now or when the app asks.")
	}
	preset := []policy.Document{{Resource: posted(c, "resource")}}
	if err := errors.Join(setModels(c, "", &preset[0]), u.setKey(c, "", &preset[0]), setAmount(c, "", &preset[0]), u.setEnds(c, preset)); err != nil {
		return options, err
	}
	options.Preset, options.Approve = preset, posted(c, "approve") == "yes"
	return options, preset[0].Validate()
}

// pairAgain shows the form as it was sent, with what is wrong with it.
func (u *UI) pairAgain(c echo.Context, problem string) error {
	return render(c, http.StatusUnprocessableEntity, pairPage(pairView{
		Frame:     u.frame(c, "Pair an app", "pair", "/pair"),
		Decide:    posted(c, "decide"),
		Resources: u.resourceChoices(posted(c, "resource")),
		Models:    posted(c, "models"),
		Keys:      u.keyOffers(posted(c, "key"), u.resourceIDs()...),
		Amount:    postedAmount(c, ""),
		Until:     u.untilChoices(posted(c, "until"), posted(c, "until_date"), nil),
		Approve:   posted(c, "approve") == "yes",
		Valid:     validChoices(posted(c, "valid")),
		Problem:   problem,
	}))
}

// postedAmount is a daily cap as it was sent.
func postedAmount(c echo.Context, suffix string) amountView {
	return amountView{
		Capped: posted(c, "amount"+suffix) != "uncapped", Requests: posted(c, "requests"+suffix),
		Tokens: posted(c, "tokens"+suffix), Dollars: posted(c, "dollars"+suffix),
	}
}

func validChoices(chosen string) []choice {
	var all []choice
	for _, minutes := range validMinutes {
		value := strconv.Itoa(minutes)
		all = append(all, choice{Value: value, Label: count(int64(minutes), "minute"), Chosen: value == chosen})
	}
	return all
}
