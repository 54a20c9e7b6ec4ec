package openai

// extras are the members that other services document for their own dialect of
// the API, where they have no say in what a policy judges: which model answers,
// through which host, with which key, how much, at what price, with which tools.
// Members that have one stay out: deferred answers, other models to fall back
// on, to route to, to guard or to think with, searches and plug-ins.
func extras(provider, action string) []string {
	switch action {
	case ChatCompletions:
		return chatExtras(provider)
	case Embeddings:
		return map[string][]string{
			"llm:mistral":    {"output_dimension", "output_dtype", "metadata"},
			"llm:cohere":     {"input_type", "truncate", "embedding_types"},
			"llm:openrouter": {"input_type"},
			"llm:ollama":     {"truncate"},
		}[provider]
	case ImagesGenerations:
		return map[string][]string{
			"llm:xai":      {"aspect_ratio", "resolution"},
			"llm:together": {"steps", "seed", "width", "height", "negative_prompt", "guidance_scale"},
		}[provider]
	case AudioSpeech:
		return map[string][]string{"llm:groq": {"sample_rate"}}[provider]
	}
	return nil
}

func chatExtras(provider string) []string {
	switch provider {
	case "llm:groq":
		return []string{"citation_options", "disable_tool_validation", "documents", "include_reasoning", "reasoning_format"}
	case "llm:deepseek":
		return []string{"thinking"}
	case "llm:mistral":
		return []string{"prompt_mode", "random_seed", "safe_prompt"}
	case "llm:together":
		return []string{"chat_template_kwargs", "context_length_exceeded_behavior", "echo", "reasoning"}
	case "llm:fireworks":
		return []string{
			"context_length_exceeded_behavior", "mirostat_lr", "mirostat_target", "perf_metrics_in_response",
			"prompt_truncate_len", "reasoning_history", "thinking", "typical_p",
		}
	case "llm:cerebras":
		return []string{"clear_thinking", "disable_reasoning", "reasoning_format"}
	case "llm:perplexity":
		return []string{
			"disable_search", "language_preference", "last_updated_after_filter", "last_updated_before_filter",
			"return_images", "return_related_questions", "search_after_date_filter", "search_before_date_filter",
			"search_domain_filter", "search_language_filter", "search_mode", "search_recency_filter",
		}
	case "llm:openrouter":
		return []string{"include_reasoning", "reasoning", "structured_outputs", "top_a", "transforms", "usage"}
	}
	return nil
}
