package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// rule is one check. Its name is the document's member it enforces.
type rule struct {
	name  string
	judge func(Document, Request) verdict
}

// rules is every rule in the order of the policy format; the first that fails
// decides.
var rules = [...]rule{
	{"app_status", judgeApp},
	{"resource", judgeResource},
	{"actions", judgeAction},
	{"not_before", judgeNotBefore},
	{"expires_at", judgeExpiry},
	{"hours", judgeHours},
	{"addresses", judgeAddress},
	{"origins", judgeOrigin},
	{"require_body_hash", judgeBodyHash},
	{"max_body_bytes", judgeBody},
	{"models", judgeModel},
	{"max_input_tokens", judgeInput},
	{"max_output_tokens", judgeOutput},
	{"tools", judgeTools},
	{"streaming", judgeStreaming},
	{"mail", judgeMail},
	{"price", judgePrice},
}

// unrestricted is the reason of a rule whose member is absent.
const unrestricted = "not restricted"

func judgeApp(_ Document, req Request) verdict {
	switch req.AppStatus {
	case "active":
		return pass("the app is active")
	case "revoked":
		return fail(CodeInvalidToken, "this app has been revoked; pair it again")
	case "suspended":
		return fail(CodeAppSuspended, "the owner has suspended this app; ask them to resume it")
	}
	return fail(CodeAppSuspended, "the app's status is not known")
}

func judgeResource(d Document, req Request) verdict {
	if d.Resource == "" || d.Resource != req.Resource {
		return fail(CodeResourceNotGranted, "%s is not granted to this app; ask the owner for it", quote(req.Resource))
	}
	return pass("granted")
}

func judgeAction(d Document, req Request) verdict {
	switch {
	case req.Action == "":
		return fail(CodeActionNotGranted, "the request names no action")
	case d.Actions == nil:
		return pass(unrestricted)
	case slices.Contains(d.Actions, req.Action):
		return pass("granted")
	}
	return fail(CodeActionNotGranted, "%s is not among the actions granted for %s: %s",
		quote(req.Action), d.Resource, some(d.Actions))
}

func judgeNotBefore(d Document, req Request) verdict {
	switch {
	case d.NotBefore.IsZero():
		return pass(unrestricted)
	case req.Time.Before(d.NotBefore): // the zero time too
		return fail(CodeNotYetValid, "this permission starts at %s", d.NotBefore.Format(time.RFC3339))
	}
	return pass("has started")
}

func judgeExpiry(d Document, req Request) verdict {
	switch {
	case d.ExpiresAt.IsZero():
		return pass("does not expire")
	case req.Time.IsZero() || !req.Time.Before(d.ExpiresAt):
		return fail(CodePermissionExpired, "this permission ended at %s; ask the owner to extend it", d.ExpiresAt.Format(time.RFC3339))
	}
	return pass("has not expired")
}

// judgeBodyHash makes a captured request impossible to alter: a proof that
// names no body would fit any. Where there is none, there is nothing to alter.
func judgeBodyHash(d Document, req Request) verdict {
	switch {
	case !d.RequireBodyHash:
		return pass(unrestricted)
	case req.BodyBytes != 0 && !req.BodyBound:
		return fail(CodeInvalidProof, "this permission wants proofs that are bound to the body: put bh, the SHA-256 of the body in base64url, into the proof")
	}
	return pass("the proof names the body")
}

func judgeBody(d Document, req Request) verdict {
	switch {
	case d.MaxBodyBytes == 0:
		return pass(unrestricted)
	case req.BodyBytes < 0 || req.BodyBytes > d.MaxBodyBytes:
		return fail(CodeBodyTooLarge, "the request's body may have %d bytes at most", d.MaxBodyBytes)
	}
	return pass("small enough")
}

// judgeModel lets only [ActionListModels] go without a model past a list.
func judgeModel(d Document, req Request) verdict {
	switch {
	case d.Models == nil && d.DenyModels == nil:
		return pass(unrestricted)
	case req.listsModels():
		return pass("this action names no model")
	case req.Model == "":
		return fail(CodeModelNotAllowed, "no model can be found in the request, and this permission is bound to models; name one")
	case len(req.Model) > maxGlobBytes:
		return fail(CodeModelNotAllowed, "the model's name is longer than %d bytes", maxGlobBytes)
	}
	if g, found := matchingModel(d.DenyModels, req.Model); found {
		return fail(CodeModelNotAllowed, "model %s is denied by %s", quote(req.Model), g)
	}
	if d.Models == nil {
		return pass("not denied")
	}
	if _, found := matchingModel(d.Models, req.Model); !found {
		return fail(CodeModelNotAllowed, "model %s is not among the models granted for %s: %s",
			quote(req.Model), d.Resource, some(d.Models))
	}
	return pass("granted")
}

// judgeInput refuses an input whose size is not known: what cannot be counted
// cannot be capped.
func judgeInput(d Document, req Request) verdict {
	switch {
	case d.MaxInputTokens == 0:
		return pass(unrestricted)
	case req.listsModels():
		return pass("this action reads no input")
	case req.InputUnknown:
		return fail(CodeInputCapExceeded, "the provider adds input that the gateway cannot count, and this permission has a cap of %s; send the whole input in the request",
			count(d.MaxInputTokens, "input token"))
	case req.InputTokens < 0 || req.InputTokens > d.MaxInputTokens:
		return fail(CodeInputCapExceeded, "the input of about %s is more than the %d granted", count(req.InputTokens, "token"), d.MaxInputTokens)
	}
	return pass("within the cap")
}

// judgeOutput compares by division, so that no product can overflow.
func judgeOutput(d Document, req Request) verdict {
	most := d.MaxOutputTokens
	switch {
	case most == 0:
		return pass(unrestricted)
	case req.hasNoOutput():
		return pass("this action gives no output")
	case req.OutputTokens < 0 || req.Choices < 0:
		return fail(CodeOutputCapExceeded, "the output asked for is negative")
	case req.OutputTokens > most/req.choices():
		return fail(CodeOutputCapExceeded, "%d choices of %d tokens are more than the %d output tokens granted",
			req.choices(), req.OutputTokens, most)
	case most < req.choices():
		return fail(CodeOutputCapExceeded, "%d choices do not fit into the %d output tokens granted", req.choices(), most)
	case req.OutputTokens == 0:
		return pass("nothing asked: the cap is written into the request")
	}
	return pass("within the cap")
}

// outputCap is each choice's share of the cap, for a request that asks for
// nothing of its own.
func outputCap(d Document, req Request) int64 {
	if d.MaxOutputTokens == 0 || req.OutputTokens != 0 || req.hasNoOutput() {
		return 0
	}
	return d.MaxOutputTokens / req.choices()
}

func judgeTools(d Document, req Request) verdict {
	switch {
	case d.Tools.allows():
		return pass(unrestricted)
	case req.Tools:
		return fail(CodeToolsNotAllowed, "this permission does not allow tools; send the request without them")
	}
	return pass("no tools asked")
}

func judgeStreaming(d Document, req Request) verdict {
	switch {
	case d.Streaming.allows():
		return pass(unrestricted)
	case req.Stream:
		return fail(CodeStreamingNotAllowed, "this permission does not allow streaming; send the request without it")
	}
	return pass("no stream asked")
}

// judgePrice lets nothing through whose cost cannot be counted where dollars
// are capped.
func judgePrice(d Document, req Request) verdict {
	capped := false
	for i, l := range d.Limits {
		if l.Dollars == 0 || req.listsModels() || !req.countedBy(&l) {
			continue
		}
		capped = true
		if !req.priced() && !req.free() {
			return failMember(fmt.Sprintf("limits[%d].dollars", i), CodeModelUnpriced, "%s, and this permission has a cap in dollars; ask the owner to set a price", req.unpriced())
		}
	}
	if !capped {
		return pass("no limit in dollars counts this request")
	}
	if !req.priced() {
		return pass("this action costs nothing")
	}
	return pass("the price is known")
}

func (r *Request) unpriced() string {
	if r.Model == "" {
		return "the request names no model that has a price"
	}
	return "model " + quote(r.Model) + " has no known price"
}

// allows is false for anything it does not know.
func (a Access) allows() bool { return a == "" || a == Allow }

// some joins the first few of a list for a message.
func some(all []string) string {
	const most = 8
	if len(all) > most {
		return strings.Join(all[:most], ", ") + ", ..."
	}
	return strings.Join(all, ", ")
}
