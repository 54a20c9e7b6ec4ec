package anthropic

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/keywicket/keywicket/plugins"
)

const maxBetas = 32

// betaShape takes the date off a feature's name.
var betaShape = regexp.MustCompile(`^([a-z0-9-]+)-20\d\d-\d\d-\d\d$`)

// betas are the features that are forwarded, whatever their date: all they can
// do is in members and tools the dialect describes, and in tokens it meters.
//
// Not among them, for instance: fast-mode (another price), advisor-tool,
// server-side-fallback and fallback-credit (other models), compact (output no
// cap bounds), inline-tools and mid-conversation-tool-changes (tools hidden in
// messages), user-profiles, and what belongs to endpoints that are not listed.
func betas() []string {
	return []string{
		"advanced-tool-use", "cache-diagnosis", "code-execution", "computer-use", "context-1m", "context-management",
		"dev-full-thinking", "effort", "extended-cache-ttl", "files-api", "fine-grained-tool-streaming",
		"interleaved-thinking", "mcp-client", "model-context-window-exceeded", "output-128k", "output-300k", "pdfs",
		"prompt-caching", "skills", "structured-outputs", "task-budgets", "thinking-display-updates",
		"thinking-token-count", "token-counting", "token-efficient-tools", "tool-examples", "tool-search-tool",
		"web-fetch", "web-search",
	}
}

// knownBetas are the forwarded ones of those a client asks for, in its order.
// Asked for in several headers or in one, they are read alike.
func knownBetas(client http.Header) []string {
	allowed := plugins.AllowHeader(http.Header{
		"Anthropic-Beta": {strings.Join(client.Values("Anthropic-Beta"), ",")},
		"Connection":     client.Values("Connection"),
	}, "Anthropic-Beta")
	known := betas()
	var asked []string
	for name := range strings.SplitSeq(allowed.Get("Anthropic-Beta"), ",") {
		name = strings.TrimSpace(name)
		parts := betaShape.FindStringSubmatch(name)
		if parts != nil && slices.Contains(known, parts[1]) && !slices.Contains(asked, name) && len(asked) < maxBetas {
			asked = append(asked, name)
		}
	}
	return asked
}
