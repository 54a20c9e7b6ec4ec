package openai

// members are the top-level members of a request that are forwarded: all that
// OpenAI documents for the action, and three for sampling that most other servers
// have. Servers that relay or extend the API have members by which a request gets
// another model, host, key, prompt, price or tool than it seems to ask for, and
// new ones all the time; so what is not known here is refused.
func members(action string) []string {
	switch action {
	case ChatCompletions:
		return []string{
			"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
			"max_tokens", "messages", "metadata", "modalities", "model", "moderation", "n", "parallel_tool_calls", "prediction",
			"presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
			"response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options",
			"temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",

			"min_p", "repetition_penalty", "top_k",
		}
	case Responses:
		return []string{
			"access_programs", "background", "context_management", "conversation", "include", "input", "instructions",
			"max_output_tokens", "max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls",
			"previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
			"reasoning", "safety_identifier", "service_tier", "store", "stream", "stream_options", "temperature", "text",
			"tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
		}
	case Embeddings:
		return []string{"dimensions", "encoding_format", "input", "model", "user"}
	case Moderations:
		return []string{"input", "model"}
	case ImagesGenerations:
		return []string{
			"background", "complexity", "frame_count", "frame_duration_ms", "model", "moderation", "n", "output_compression",
			"output_format", "partial_images", "prompt", "quality", "response_format", "safety_identifier", "size", "stream",
			"style", "svg", "user",
		}
	case AudioSpeech:
		return []string{"input", "instructions", "model", "response_format", "speed", "stream_format", "voice"}
	}
	return nil
}

// fields are the same for the actions that take forms, without the brackets that
// make a list or name a member of an object.
func fields(action string) []string {
	switch action {
	case ImagesEdits:
		return []string{
			"background", "complexity", "frame_count", "frame_duration_ms", "image", "input_fidelity", "markup", "mask",
			"model", "n", "output_compression", "output_format", "partial_images", "prompt", "quality", "response_format",
			"safety_identifier", "size", "stream", "user",
		}
	case AudioTranscriptions:
		return []string{
			"chunking_strategy", "file", "include", "keywords", "known_speaker_names", "known_speaker_references", "language",
			"languages", "model", "prompt", "response_format", "stream", "temperature", "timestamp_granularities",
		}
	case AudioTranslations:
		return []string{"file", "model", "prompt", "response_format", "temperature"}
	}
	return nil
}

// decisive are the members the dialect reads facts from.
func decisive() []string {
	return []string{
		"model", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens", "max_output_tokens",
		"tools", "functions", "web_search_options", "background", "service_tier", "previous_response_id",
		"conversation", "prompt", "input", "instructions", "messages", "quality", "size", "stream_format",
		"response_format", "speed", "frame_count", "output_format",
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
