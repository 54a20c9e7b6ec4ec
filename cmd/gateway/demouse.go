package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/keywicket/keywicket/client"
	"github.com/keywicket/keywicket/internal/admin"
	"github.com/keywicket/keywicket/plugins/openai/openaifake"
)

// sdk is OpenAI's own client, pointed at the gateway. Nothing else about it is
// changed but that it does not retry: the demonstration counts requests.
func (s *stage) sdk() openai.Client {
	return openai.NewClient(
		option.WithHTTPClient(s.app.HTTPClient()),
		option.WithBaseURL(s.app.BaseURL(demoResource)),
		option.WithMaxRetries(0),
	)
}

func question(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("What should I do with my keys?")},
	}
}

// ask proves that a stock SDK streams through the gateway, that the key goes
// on the request only behind it, and that the owner sees what was spent.
func ask(ctx context.Context, s *stage) (string, error) {
	sdk := s.sdk()
	stream := sdk.Chat.Completions.NewStreaming(ctx, question(cappedModel))
	defer stream.Close()
	fmt.Fprint(s.words, "    > ")
	var said strings.Builder
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			said.WriteString(choice.Delta.Content)
			fmt.Fprint(s.words, printable(choice.Delta.Content))
		}
	}
	fmt.Fprintln(s.words)
	if err := stream.Err(); err != nil {
		return "", err
	}
	if said.String() != demoAnswer {
		return "", fmt.Errorf("the answer arrived as %q", said.String())
	}
	requests := s.provider.Requests()
	header := requests[len(requests)-1].Header
	if header.Get("Authorization") != "Bearer "+s.providerKey || header.Get("DPoP") != "" {
		return "", errors.New("the provider did not see the owner's key, or saw the app's credentials")
	}
	if sent, _ := s.tap.seen(); strings.Contains(fmt.Sprint(sent.Header), s.providerKey) {
		return "", errors.New("the app sent the owner's key")
	}
	total, err := s.spent(ctx, 1)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the provider saw the owner's key, the app never did; %d tokens were counted", total.InputTokens+total.OutputTokens), nil
}

// spent waits until the gateway has written down so many requests of the app.
func (s *stage) spent(ctx context.Context, requests int64) (total admin.Total, err error) {
	err = eventually(ctx, func() (bool, error) {
		app, err := s.owner.App(ctx, s.appID)
		if err != nil || len(app.Totals) != 1 {
			return false, err
		}
		total = app.Totals[0]
		return total.Requests == requests && total.OutputTokens > 0, nil
	})
	return total, err
}

// otherModel proves that the policy is checked before the provider hears of
// the request.
func otherModel(ctx context.Context, s *stage) (string, error) {
	before, sdk := s.provider.Count(), s.sdk()
	_, err := sdk.Chat.Completions.New(ctx, question(otherName))
	if err := expect(err, http.StatusForbidden, client.ErrModelNotAllowed); err != nil {
		return "", err
	}
	if s.provider.Count() != before {
		return "", errors.New("the request reached the provider")
	}
	return fmt.Sprintf("asking for %s gives the SDK 403 model_not_allowed; nothing reached the provider", otherName), nil
}

// expect checks that err is the refusal a stock SDK would raise for a code of
// the gateway.
func expect(err error, status int, want error) error {
	refusal, ok := errors.AsType[*openai.Error](err)
	if !ok || refusal.StatusCode != status || client.CodeError(refusal.Code) != want {
		return fmt.Errorf("expected %d %q, but: %v", status, want, err)
	}
	return nil
}

// steal proves that what goes over the wire is no use to anyone who copies it.
func steal(ctx context.Context, s *stage) (string, error) {
	before := s.provider.Count()
	for _, theft := range []struct {
		name   string
		change func(http.Header)
		code   string
	}{
		{"the token as a bearer token", asBearer, "invalid_token"},
		{"the whole request again", asSent, "invalid_dpop_proof"},
	} {
		status, code, err := s.tap.again(ctx, theft.change)
		if err != nil {
			return "", err
		}
		if status != http.StatusUnauthorized || code != theft.code {
			return "", fmt.Errorf("%s was answered %d %s", theft.name, status, code)
		}
	}
	if s.provider.Count() != before {
		return "", errors.New("a stolen request reached the provider")
	}
	return "the copied token as a bearer token is 401, the copied request sent again is 401; nothing reached the provider", nil
}

// rush proves that a cap holds when many requests race for what is left.
func rush(ctx context.Context, s *stage) (string, error) {
	const racers = 12
	before, sdk := s.provider.Count(), s.sdk()
	var group sync.WaitGroup
	failures := make(chan error, racers)
	for range racers {
		group.Go(func() {
			if _, err := sdk.Chat.Completions.New(ctx, question(cappedModel)); err != nil {
				failures <- err
			}
		})
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if refusal, ok := errors.AsType[*openai.Error](err); !ok || refusal.StatusCode != http.StatusTooManyRequests {
			return "", fmt.Errorf("expected 429, but: %w", err)
		}
	}
	through := s.provider.Count() - before
	if through != demoCap-1 { // the first answer was streamed above
		return "", fmt.Errorf("%d of %d requests reached the provider, with %d left", through, racers, demoCap-1)
	}
	if _, err := s.spent(ctx, demoCap); err != nil {
		return "", err
	}
	_, err := sdk.Chat.Completions.New(ctx, question(cappedModel))
	if err := expect(err, http.StatusTooManyRequests, client.ErrRequestQuotaSpent); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d requests at once with %d left of %d: exactly %d reached the provider, then 429 request_quota_spent", racers, demoCap-1, demoCap, through), nil
}

// cut proves that a revocation ends what is running: the provider here would
// never stop by itself.
func cut(ctx context.Context, s *stage) (string, error) {
	s.provider.Script(openaifake.Fault{Times: 1, Endless: true})
	gone, sdk := s.provider.Gone(), s.sdk()
	stream := sdk.Chat.Completions.NewStreaming(ctx, question(streamModel))
	defer stream.Close()
	fmt.Fprint(s.words, "    > ")
	words := 0
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			fmt.Fprint(s.words, printable(choice.Delta.Content))
		}
		if words++; words == 8 {
			fmt.Fprint(s.words, " [revoked]")
			if _, err := s.owner.Revoke(ctx, s.appID); err != nil {
				return "", err
			}
		}
	}
	fmt.Fprintln(s.words)
	err := stream.Err()
	if err == nil || !strings.Contains(err.Error(), "error while streaming") {
		return "", fmt.Errorf("the stream ended without an error event (%v)", err)
	}
	s.tell("    | the SDK says: %v", err)
	if err := s.provider.Wait(ctx, func() bool { return s.provider.Gone() > gone }); err != nil {
		return "", fmt.Errorf("the gateway went on reading from the provider: %w", err)
	}
	before := s.provider.Count()
	if _, err := sdk.Chat.Completions.New(ctx, question(streamModel)); err == nil || s.provider.Count() != before {
		return "", errors.New("the app could still work after it was revoked")
	}
	return "the stream was cut with an error event, the provider was hung up on, and the app is refused", nil
}

// readRecord proves that everything above was written down, in a chain nobody
// can alter unseen, without any secret.
func readRecord(ctx context.Context, s *stage) (string, error) {
	verified, err := s.owner.VerifyAudit(ctx)
	if err != nil {
		return "", err
	}
	if !verified.OK {
		return "", fmt.Errorf("the audit log is broken at line %d: %s", verified.Broken, verified.Reason)
	}
	events, err := s.owner.Audit(ctx, verified.Lines)
	if err != nil {
		return "", err
	}
	codes := map[string]bool{}
	for _, event := range events {
		codes[event.Code] = true
	}
	for _, code := range []string{"model_not_allowed", "request_quota_spent"} {
		if !codes[code] {
			return "", fmt.Errorf("the audit log does not mention %s", code)
		}
	}
	if _, err := s.search(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d events in an unbroken chain, the refusals among them; the key is still in no file", verified.Lines), nil
}
