package admin

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/keywicket/keywicket/internal/pairing"
	"github.com/keywicket/keywicket/internal/policy"
)

func (a *Admin) pair(c echo.Context) error {
	in, err := decode[PairInput](c)
	if err != nil {
		return err
	}
	if in.TTLSeconds < 0 || in.TTLSeconds > int64(time.Hour/time.Second) {
		return refuse(http.StatusUnprocessableEntity, CodeInvalidRequest, "a pairing string lives between 1 and 60 minutes; choose with --ttl")
	}
	preset, defaulted, err := a.preset(in)
	if err != nil {
		return err
	}
	made, err := a.cfg.Pairing.CreateString(pairing.StringOptions{
		TTL: time.Duration(in.TTLSeconds) * time.Second, Preset: preset, Approve: in.Approve,
	})
	if err != nil {
		return err
	}
	return answer(c, PairOutput{
		PairingString: made.Value, ExpiresAt: a.at(made.ExpiresAt), Preset: a.words(preset), DefaultedEnd: defaulted,
	})
}

func (a *Admin) preset(in PairInput) (preset []policy.Document, defaulted bool, err error) {
	if len(in.Documents) == 0 {
		if in.Approve {
			return nil, false, refuse(http.StatusUnprocessableEntity, CodeNothingToGrant, "--approve needs to know what to grant; add --resource llm:openai or --policy FILE")
		}
		return nil, false, nil
	}
	if err := in.Term.check(); err != nil {
		return nil, false, err
	}
	now := a.cfg.Clock()
	documents, err := policy.ParseAll([]byte(in.Documents), now)
	if err != nil {
		return nil, false, err
	}
	for _, document := range documents {
		if err := a.knownResource(document.Resource); err != nil {
			return nil, false, err
		}
	}
	preset, defaulted = in.Term.apply(documents, now)
	return preset, defaulted, nil
}
