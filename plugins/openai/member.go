package openai

import (
	"slices"

	"github.com/keywicket/keywicket/plugins"
)

// members are the top-level members of a chat request that are forwarded: all
// that OpenAI documents, and three for sampling that most other servers have.
// Servers that relay or extend the API have members by which a request gets
// another model, host, key, prompt, price or tool than it seems to ask for, and
// new ones all the time; so what is not known here is refused.
func members() []string {
	return []string{
		"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
		"max_tokens", "messages", "metadata", "modalities", "model", "moderation", "n", "parallel_tool_calls", "prediction",
		"presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
		"response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options",
		"temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",

		"min_p", "repetition_penalty", "top_k",
	}
}

// checkMembers refuses a body with a member that is not known.
func checkMembers(body *plugins.Object) error {
	known := members()
	for _, name := range body.Names() {
		if !slices.Contains(known, name) {
			return plugins.Invalid(name, "the member "+name+" is not one the gateway forwards; leave it out")
		}
	}
	return nil
}

// decisive are the members the dialect reads facts from.
func decisive() []string {
	return []string{
		"model", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens",
		"tools", "functions", "web_search_options",
	}
}

// diverting are names by which relaying servers accept another model, host or
// key, in a query too.
func diverting() []string {
	return []string{
		"models", "model_list", "model_name", "engine", "deployment_id", "fallbacks",
		"api_base", "api_key", "base_url", "custom_llm_provider",
		"extra_body", "extra_headers", "extra_query", "plugins", "search_parameters",
	}
}

func critical() []string { return slices.Concat(decisive(), diverting()) }
