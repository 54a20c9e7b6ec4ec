package anthropic

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keywicket/keywicket/plugins"
)

const (
	maxOutputTokens = 1_000_000_000 // far above any model's
	leastBudget     = 1024          // Anthropic's own lower bound of a thinking budget
)

// readOutputCap reads max_tokens, which Anthropic requires. 0 is one of its
// values: the input is cached and nothing written. It counts as 1 here, since 0
// means no cap to the policy.
func readOutputCap(body *plugins.Object) (int64, error) {
	if raw, given := body.Value("max_tokens"); given && string(raw) == "0" {
		return 1, nil
	}
	n, given, err := body.Int("max_tokens", maxOutputTokens)
	if err == nil && !given {
		err = plugins.Invalid("max_tokens", "max_tokens is required")
	}
	return n, err
}

// capMessages lowers max_tokens, and a thinking budget that would no longer fit
// in it: Anthropic wants it smaller than max_tokens. Where the least budget does
// not fit, the model answers without thinking. It never raises a cap.
func capMessages(data []byte, limit int64) ([]byte, error) {
	body, err := plugins.ParseObject(data, decisive()...)
	if err != nil {
		return nil, err
	}
	asked, err := readOutputCap(body)
	if err != nil || asked <= limit {
		return data, err
	}
	if err := body.Set("max_tokens", decimal(limit)); err != nil {
		return nil, err
	}
	if err := capThinking(body, limit); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

func capThinking(body *plugins.Object, limit int64) error {
	thinking, budget, err := readThinking(body)
	if err != nil || budget < limit {
		return err
	}
	if limit <= leastBudget {
		return body.Set("thinking", jsontext.Value(`{"type":"disabled"}`))
	}
	if err := thinking.Set("budget_tokens", decimal(limit-1)); err != nil {
		return err
	}
	return body.Set("thinking", thinking.Bytes())
}

// readThinking reads the budget of tokens to think with; 0 where there is none.
func readThinking(body *plugins.Object) (thinking *plugins.Object, budget int64, err error) {
	thinking, given, err := body.Object("thinking", "type", "budget_tokens")
	if err != nil || !given {
		return nil, 0, err
	}
	budget, _, err = thinking.Int("budget_tokens", maxOutputTokens)
	return thinking, budget, err
}

func decimal(n int64) jsontext.Value { return jsontext.Value(strconv.FormatInt(n, 10)) }
