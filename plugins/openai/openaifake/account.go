package openaifake

import "encoding/json"

// Account is what the fake says an answer cost, where it is not to count words.
// It holds for every action whose answers report usage.
type Account struct {
	Input      int    // tokens, cached and newly cached ones included
	Cached     int    // of them, read from the cache
	CacheWrite int    // of them, written to it
	Output     int    // tokens, reasoning included
	Reasoning  int    // of them, never shown
	Cost       string // dollars as a JSON number, as OpenRouter states it; empty: not stated
}

// Account sets what answers to come are said to cost; nil lets the fake count
// words again.
func (f *Fake) Account(a *Account) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.account = a
}

func (f *Fake) accounting(input, output int) Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.account != nil {
		return *f.account
	}
	return Account{Input: input, Output: output}
}

// chatUsage is the usage of a chat.
func (a Account) chatUsage() usage {
	return usage{
		PromptTokens: a.Input, CompletionTokens: a.Output, TotalTokens: a.Input + a.Output, Cost: json.RawMessage(a.Cost),
		PromptTokensDetails:     promptDetails{CachedTokens: a.Cached, CacheWriteTokens: a.CacheWrite},
		CompletionTokensDetails: completionDetails{ReasoningTokens: a.Reasoning},
	}
}

// usage is the usage of a response, with the details that its action has.
func (a Account) usage(details map[string]any) map[string]any {
	u := map[string]any{"input_tokens": a.Input, "output_tokens": a.Output, "total_tokens": a.Input + a.Output}
	for name, value := range details {
		u[name] = value
	}
	if a.Cost != "" {
		u["cost"] = json.RawMessage(a.Cost)
	}
	return u
}

func (a Account) responseUsage() map[string]any {
	return a.usage(map[string]any{
		"input_tokens_details":  map[string]any{"cached_tokens": a.Cached, "cache_write_tokens": a.CacheWrite},
		"output_tokens_details": map[string]any{"reasoning_tokens": a.Reasoning},
	})
}

func (a Account) imageUsage() map[string]any {
	return a.usage(map[string]any{"input_tokens_details": map[string]any{"text_tokens": a.Input, "image_tokens": 0}})
}

func (a Account) audioUsage() map[string]any {
	return a.usage(map[string]any{"type": "tokens", "input_token_details": map[string]any{"text_tokens": 0, "audio_tokens": a.Input}})
}
