// Package all is the list of the providers that ship with the gateway. A new
// dialect is one line here.
package all

import (
	"fmt"

	"github.com/keywicket/keywicket/plugins"
	"github.com/keywicket/keywicket/plugins/anthropic"
	"github.com/keywicket/keywicket/plugins/gemini"
	"github.com/keywicket/keywicket/plugins/httpapi"
	"github.com/keywicket/keywicket/plugins/openai"
	"github.com/keywicket/keywicket/plugins/resend"
)

// Providers builds a provider from every embedded manifest. A manifest that is
// malformed or names a dialect there is no code for is an error.
func Providers() ([]plugins.Provider, error) {
	manifests, err := plugins.Manifests()
	if err != nil {
		return nil, err
	}
	var providers []plugins.Provider
	for _, m := range manifests {
		p, err := Provider(m)
		if err != nil {
			return nil, fmt.Errorf("building provider %s: %w", m.ID, err)
		}
		providers = append(providers, p)
	}
	return providers, nil
}

// Provider builds the provider one manifest declares.
func Provider(m plugins.Manifest) (plugins.Provider, error) {
	var p plugins.Provider
	var err error
	switch m.Dialect {
	case anthropic.Dialect:
		p, err = anthropic.New(m)
	case gemini.Dialect:
		p, err = gemini.New(m)
	case httpapi.Dialect:
		p, err = httpapi.New(m)
	case openai.Dialect:
		p, err = openai.New(m)
	case resend.Dialect:
		p, err = resend.New(m)
	default:
		err = &plugins.ManifestError{Member: "dialect", Problem: "there is no such dialect"}
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}
