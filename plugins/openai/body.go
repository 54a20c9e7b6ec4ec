package openai

import (
	"fmt"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

const maxModelName = 256 // bytes

// readModel reads the model's name, which must be there.
func readModel(body *plugins.Object) (string, error) {
	model, ok, err := body.String("model")
	if err != nil {
		return "", err
	}
	if !ok {
		model = ""
	}
	return model, checkModel(model)
}

// readModelIfAny is for actions where the provider has a model of its own choice
// when none is named. A null is no name.
func readModelIfAny(body *plugins.Object) (string, error) {
	if _, given := body.Value("model"); !given {
		return "", nil
	}
	return readModel(body)
}

// checkModel refuses names with spaces or other than printable ASCII: a provider
// that trims or normalises them would serve a model the policy never saw.
func checkModel(model string) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if model == "" || len(model) > maxModelName || strings.ContainsFunc(model, odd) {
		return plugins.Invalid("model", fmt.Sprintf("model must be a name of 1 to %d printable characters without spaces", maxModelName))
	}
	return nil
}
