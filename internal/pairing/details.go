package pairing

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/internal/policy"
)

// DetailsType is the one authorization details type there is (RFC 9396
// section 2).
const DetailsType = "keywicket"

const (
	maxDetailsBytes = 16 << 10
	maxScopeBytes   = 2 << 10
	maxAsked        = 16
)

// asked is what an app asks for.
type asked struct {
	documents []policy.Document
	reason    string
}

// parseAsked reads authorization_details and scope, either of which may be
// empty. A resource named in both is asked for as its details say.
func parseAsked(details, scope string, now time.Time) (asked, error) {
	var a asked
	if details != "" {
		if err := a.addDetails(details, now); err != nil {
			return asked{}, refuse(codeInvalidDetails, "authorization_details%v", err)
		}
	}
	if err := a.addScope(scope); err != nil {
		return asked{}, refuse(codeInvalidScope, "%v", err)
	}
	return a, nil
}

// addDetails reads the JSON array of RFC 9396. Errors continue the word
// "authorization_details".
func (a *asked) addDetails(text string, now time.Time) error {
	if len(text) > maxDetailsBytes {
		return fmt.Errorf(" must have at most %d bytes", maxDetailsBytes)
	}
	var items []map[string]jsontext.Value
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		return errors.New(" must be a JSON array of objects without duplicate members")
	}
	if len(items) < 1 || len(items) > maxAsked {
		return fmt.Errorf(" must have 1 to %d items", maxAsked)
	}
	var reasons []string
	for i, item := range items {
		d, reason, err := parseDetail(item, now)
		if err == nil && a.has(d.Resource) {
			err = errors.New(".identifier: is asked for twice")
		}
		if err != nil {
			return fmt.Errorf("[%d]%w", i, err)
		}
		a.documents = append(a.documents, d)
		if reason != "" && !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	a.reason = strings.Join(reasons, "; ")
	return nil
}

// parseDetail turns one item into a policy document. Apart from type,
// identifier and reason its members are those of a document; limits may also
// be an object, which holds further members.
func parseDetail(item map[string]jsontext.Value, now time.Time) (policy.Document, string, error) {
	var kind, reason string
	if err := text(item, "type", &kind); err != nil || kind != DetailsType {
		return policy.Document{}, "", errors.New(`.type: must be "` + DetailsType + `"`)
	}
	if err := text(item, "reason", &reason); err != nil {
		return policy.Document{}, "", err
	}
	if _, has := item["resource"]; has {
		return policy.Document{}, "", errors.New(".resource: name the resource as identifier")
	}
	members := maps.Clone(item)
	members["resource"] = item["identifier"]
	for _, own := range []string{"type", "identifier", "reason"} {
		delete(members, own)
	}
	if err := unfoldLimits(members); err != nil {
		return policy.Document{}, "", err
	}
	d, err := parseDocument(members, now)
	if err != nil || reason == "" {
		return d, "", err
	}
	if reason, err = cleanText(reason, maxReasonRunes); err != nil {
		return policy.Document{}, "", fmt.Errorf(".reason: %w", err)
	}
	return d, reason, nil
}

// text reads a string member that may be absent.
func text(item map[string]jsontext.Value, name string, to *string) error {
	raw, has := item[name]
	if !has {
		return nil
	}
	if raw.Kind() != '"' || json.Unmarshal(raw, to) != nil {
		return fmt.Errorf(".%s: must be a string", name)
	}
	return nil
}

// unfoldLimits moves the members of a limits object to where a document has
// them.
func unfoldLimits(members map[string]jsontext.Value) error {
	limits, has := members["limits"]
	if !has || limits.Kind() != '{' {
		return nil
	}
	var folded map[string]jsontext.Value
	if err := json.Unmarshal(limits, &folded); err != nil {
		return errors.New(".limits: must be a list of limits or an object of policy members")
	}
	delete(members, "limits")
	for name, value := range folded {
		if _, twice := members[name]; twice {
			return errors.New(".limits: repeats a member that stands beside it")
		}
		members[name] = value
	}
	return nil
}

func parseDocument(members map[string]jsontext.Value, now time.Time) (policy.Document, error) {
	if len(members["resource"]) == 0 {
		return policy.Document{}, errors.New(".identifier: is required, for example llm:openai")
	}
	data, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return policy.Document{}, errors.New(": must be an object")
	}
	d, err := policy.Parse(data, now)
	if wrong, ok := errors.AsType[*policy.DocumentError](err); ok {
		path := wrong.Path
		if path == "resource" {
			path = "identifier"
		}
		return d, fmt.Errorf(".%s: %s", path, wrong.Problem)
	}
	return d, err
}

// addScope adds the resources of a scope that have no details.
func (a *asked) addScope(scope string) error {
	if len(scope) > maxScopeBytes {
		return fmt.Errorf("scope must have at most %d bytes", maxScopeBytes)
	}
	for _, resource := range strings.Fields(scope) {
		if a.has(resource) {
			continue
		}
		d := policy.Document{Resource: resource}
		if err := d.Validate(); err != nil {
			return errors.New("scope must be resource ids such as llm:openai, separated by spaces")
		}
		a.documents = append(a.documents, d)
	}
	if len(a.documents) > maxAsked {
		return fmt.Errorf("at most %d resources can be asked for at once", maxAsked)
	}
	return nil
}

func (a *asked) has(resource string) bool {
	return slices.ContainsFunc(a.documents, func(d policy.Document) bool { return d.Resource == resource })
}

// detailOf is a granted document in the form of authorization details.
func detailOf(d policy.Document) (jsontext.Value, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	members["type"], members["identifier"] = jsontext.Value(`"`+DetailsType+`"`), members["resource"]
	delete(members, "resource")
	out, err := json.Marshal(members, json.Deterministic(true))
	return bytes.TrimSpace(out), err
}
