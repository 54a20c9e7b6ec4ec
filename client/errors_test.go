package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keywicket/keywicket/client"
)

func response(status int, body string, headers ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Add(headers[n], headers[n+1])
	}
	return r
}

func TestErrorsOfEachShape(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, body string
		headers    []string
		code, says string
		want       error
	}{
		{"OAuth", `{"error":"access_denied","error_description":"the owner said no"}`, nil, "access_denied", "the owner said no", client.ErrAccessDenied},
		{"OpenAI", `{"error":{"message":"not that one","type":"x","code":"model_not_allowed","param":null}}`, nil, "model_not_allowed", "not that one", client.ErrModelNotAllowed},
		{"Anthropic", `{"type":"error","error":{"type":"vault_locked","message":"locked"}}`, nil, "vault_locked", "locked", client.ErrVaultLocked},
		{"Gemini", `{"error":{"code":403,"message":"no","status":"TOOLS_NOT_ALLOWED"}}`, nil, "tools_not_allowed", "no", client.ErrToolsNotAllowed},
		{"Gemini with a reason", `{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED","details":[{"@type":"x"},{"reason":"input_cap_exceeded"}]}}`, nil, "input_cap_exceeded", "no", client.ErrInputCapExceeded},
		{"Anthropic with a code", `{"type":"error","error":{"type":"rate_limit_error","message":"no","code":"dollar_budget_spent","details":{"error_code":"dollar_budget_spent"}}}`, nil, "dollar_budget_spent", "no", client.ErrDollarBudgetSpent},
		{"Resend", `{"statusCode":403,"name":"recipient_not_allowed","message":"no"}`, nil, "recipient_not_allowed", "no", client.ErrRecipientNotAllowed},
		{"challenge only", ``, []string{"WWW-Authenticate", `Bearer realm="a", DPoP algs="ES256 EdDSA", error="invalid_dpop_proof"`}, "invalid_dpop_proof", "", client.ErrInvalidProof},
		{"challenge in two headers", ``, []string{"WWW-Authenticate", `Basic error="x"`, "WWW-Authenticate", `DPoP error="invalid_token"`}, "invalid_token", "", client.ErrInvalidToken},
		{"challenge of another scheme", ``, []string{"WWW-Authenticate", `Bearer error="invalid_token"`}, "", "", nil},
		{"provider's own", `{"error":{"message":"Bad key","code":"invalid_api_key"}}`, nil, "invalid_api_key", "Bad key", nil},
		{"a page", `<html>502</html>`, nil, "", "", nil},
		{"a list", `[1]`, nil, "", "", nil},
		{"unfit for terminals", `{"error":"frozen","error_description":"a\u001b[31m\nb"}`, nil, "frozen", "a[31mb", client.ErrFrozen},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			answer := response(403, row.body, append(row.headers, "X-Request-Id", "req_a", "Retry-After", "7")...)
			err := client.ResponseError(answer)
			var failure *client.APIError
			if !errors.As(err, &failure) {
				t.Fatal(err)
			}
			want := client.APIError{Status: 403, Code: row.code, Message: row.says, RequestID: "req_a", RetryAfter: 7 * time.Second}
			if *failure != want {
				t.Errorf("got %+v, want %+v", *failure, want)
			}
			if row.headers == nil && client.BodyCode(row.body) != row.code {
				t.Errorf("the body's code is %q", client.BodyCode(row.body))
			}
			if row.want != nil && !errors.Is(fmt.Errorf("wrapped: %w", err), row.want) {
				t.Errorf("%v does not match %v", err, row.want)
			}
			if errors.Is(err, client.ErrUpstream) {
				t.Error("matches what it is not")
			}
			if body, err := io.ReadAll(answer.Body); err != nil || string(body) != row.body {
				t.Errorf("body afterwards: %q %v", body, err)
			}
		})
	}
	if err := client.ResponseError(response(200, "")); err != nil {
		t.Errorf("success: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const date = "Tue, 01 Dec 2026 10:00:00 GMT"
	for value, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "-1": 0, "x": 0, "99999999999999999999": 0,
		"Tue, 01 Dec 2026 10:01:30 GMT": 90 * time.Second, "Tue, 01 Dec 2026 09:00:00 GMT": 0,
	} {
		var failure *client.APIError
		if !errors.As(client.ResponseError(response(503, "", "Retry-After", value, "Date", date)), &failure) || failure.RetryAfter != want {
			t.Errorf("%q: %v, want %v", value, failure.RetryAfter, want)
		}
	}
}

// TestEachCodeHasItsError reads the source, so that a sentinel cannot be added without a code that leads to it.
func TestEachCodeHasItsError(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	_, wire, ok := strings.Cut(string(source), "// Errors that the gateway answers with")
	if !ok {
		t.Fatal("errors.go has changed")
	}
	reached := map[error]bool{}
	codes := 0
	for _, match := range regexp.MustCompile(`"([a-z_]+)"`).FindAllStringSubmatch(wire, -1) {
		if sentinel := client.CodeError(match[1]); sentinel != nil {
			codes++
			reached[sentinel] = true
		}
	}
	if sentinels := strings.Count(wire, "= errors.New("); codes < 35 || len(reached) < sentinels {
		t.Errorf("%d codes lead to %d errors, of %d", codes, len(reached), sentinels)
	}
	if client.CodeError("") != nil || client.CodeError("invalid_api_key") != nil {
		t.Error("a code that is not ours has an error")
	}
}
