package anthropic

import "testing"

func TestOutputCapIsLoweredInPlace(t *testing.T) {
	t.Parallel()
	p := provider(t)
	for _, row := range []struct {
		limit    int64
		in, want string
	}{
		{9, `{"model":"a", "max_tokens" : 100 , "messages":[]}`, `{"model":"a", "max_tokens" : 9 , "messages":[]}`},
		{9, `{"model":"a","max_tokens":3,"messages":[]}`, ``},
		{9, `{"model":"a","max_tokens":0,"messages":[]}`, ``},
		{3000, `{"max_tokens":4000,"thinking":{"type":"enabled", "budget_tokens":2000},"model":"a"}`, `{"max_tokens":3000,"thinking":{"type":"enabled", "budget_tokens":2000},"model":"a"}`},
		{2000, `{"max_tokens":4000,"thinking":{"type":"enabled", "budget_tokens":2000},"model":"a"}`, `{"max_tokens":2000,"thinking":{"type":"enabled", "budget_tokens":1999},"model":"a"}`},
		{1025, `{"max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000,"display":"omitted"},"model":"a"}`, `{"max_tokens":1025,"thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"},"model":"a"}`},
		{1024, `{"max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000},"model":"a"}`, `{"max_tokens":1024,"thinking":{"type":"disabled"},"model":"a"}`},
		{9, `{"max_tokens":4000,"thinking":{"type":"adaptive"},"model":"a"}`, `{"max_tokens":9,"thinking":{"type":"adaptive"},"model":"a"}`},
	} {
		call, err := p.Describe(messagesRequest(row.in))
		if err != nil {
			t.Fatal(err)
		}
		if err := call.SetOutputCap(row.limit); err != nil {
			t.Fatal(err)
		}
		if row.want == "" {
			row.want = row.in
		}
		if string(call.Body) != row.want {
			t.Errorf("%s became %s, want %s", row.in, call.Body, row.want)
		}
	}
}
