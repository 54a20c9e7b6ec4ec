package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// smuggled are header lines that stay behind: the provider is sent what it is
// sent without them.
func smuggled() [][]string {
	var all [][]string
	for _, line := range []string{
		"x-api-key: smuggled", "X-API-KEY: smuggled", "X-Api-Key: one\r\nX-Api-Key: two", "x-goog-api-key: smuggled", "Api-Key: smuggled", "X-Auth-Token: smuggled", "Proxy-Authorization: Basic c211Z2dsZWQ=",
		"X-Goog-User-Project: smuggled", "X-Amz-Security-Token: smuggled", "OpenAI-Organization: smuggled", "OpenAI-Project: smuggled", "Anthropic-Workspace-Id: smuggled", "anthropic-dangerous-direct-browser-access: true",
		"Cookie: session=smuggled", "Cookie2: x", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /x", "X-Forwarded-Server: evil.example", "Forwarded: for=192.0.2.7;host=evil.example",
		"X-Real-Ip: 192.0.2.7", "True-Client-Ip: 192.0.2.7", "Cf-Connecting-Ip: 192.0.2.7", "X-Host: evil.example", "X-Original-Host: evil.example", "X-Original-Url: /v1/organization/admin_api_keys", "X-Rewrite-Url: /v1/files",
		"X-Http-Method-Override: DELETE", "X-Http-Method: DELETE", "X-Method-Override: DELETE", "Via: 1.1 evil", "Max-Forwards: 0", "Te: trailers", "Trailer: X-Late", "Keep-Alive: timeout=7", "Proxy-Connection: keep-alive",
		"Accept-Encoding: gzip", "Accept-Language: xx", "User-Agent: smuggled", "Referer: https://evil.example", "X-Request-Id: smuggled", "X-Client-Request-Id: smuggled", "Traceparent: 00-smuggled", "Baggage: smuggled=1", "Range: bytes=0-1", "If-None-Match: *",
		"Content-Location: /x", "Content-Range: bytes 0-1/2", "Content-Language: xx", "X-Stainless-Os: smuggled", "X-Anything: smuggled", "HTTP2-Settings: AAMAAABkAAQAAP__", "Alt-Used: evil.example", "Early-Data: 1",
		"Host2: evil.example", "_Host: evil.example", "X_Api_Key: smuggled", "Connection: close", "Connection: keep-alive", "Connection: close, HTTP2-Settings, Upgrade", "Priority: u=0", "Sec-WebSocket-Key: x", "Cache-Control: no-cache",
		"Connection: Content-Type", "Connection: Authorization", "Connection: Content-Length, Host, DPoP", "Connection: X-Nominated\r\nX-Nominated: smuggled", "Connection: Accept\r\nAccept: smuggled", "connection: idempotency-key\r\nIdempotency-Key: smuggled",
		"Connection: OpenAI-Beta\r\nOpenAI-Beta: smuggled", "Connection: Anthropic-Beta\r\nanthropic-beta: prompt-caching-2024-07-31", "Accept: a\r\nAccept: b",
		"X-Folded: a\r\n b", "X-Folded: a\r\n\tAuthorization: Bearer smuggled", "X-Folded:\r\n x-api-key: smuggled", "Idempotency-Key: " + strings.Repeat("x", 5000),
	} {
		all = append(all, strings.Split(line, "\r\n"))
	}
	return all
}

// TestSmuggledHeaders holds what a provider is sent with each of them against
// what it is sent without.
func TestSmuggledHeaders(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range append(endpoints()[:2], endpoints()[6], endpoints()[8], endpoints()[12]) {
		plain, body := b.passes(t, "as it is", e.draft())
		allowed := []string{"Accept-Encoding", "Content-Length", "Content-Type", "User-Agent"}
		switch e.resource {
		case "llm:anthropic":
			allowed = append(allowed, "Anthropic-Version", "X-Api-Key")
		case "llm:gemini":
			allowed = append(allowed, "X-Goog-Api-Key")
		default:
			allowed = append(allowed, "Authorization")
		}
		if names := slices.Sorted(maps.Keys(plain.Header)); !slices.Equal(names, slices.Sorted(slices.Values(allowed))) {
			t.Errorf("%s: the provider is sent %v", e.name, names)
		}
		for _, lines := range smuggled() {
			a := e.draft()
			a.lines = lines
			r, sent := b.passes(t, fmt.Sprintf("%.60q", lines), a)
			if r.Method != plain.Method || r.RequestURI != plain.RequestURI || r.Host != plain.Host || sent != body || !maps.EqualFunc(r.Header, plain.Header, slices.Equal[[]string]) {
				t.Errorf("%s: %.60q: the provider was sent %s %s to %s with %v: %s", e.name, lines, r.Method, r.RequestURI, r.Host, r.Header, sent)
			}
		}
		for _, host := range []string{"evil.example", "evil.example:443", "api.openai.com", "127.0.0.1", "[::1]:80"} {
			a := e.draft()
			a.host = host
			if r, sent := b.passes(t, "Host: "+host, a); r.Host != plain.Host || sent != body {
				t.Errorf("%s: for host %s the provider %s was sent %s", e.name, host, r.Host, sent)
			}
		}
	}
}

// refusedLines are header lines no request gets through with. None has the
// dialect's shape that net/http refuses before any handler is asked.
func refusedLines() []struct {
	lines  []string
	status int
} {
	type row = struct {
		lines  []string
		status int
	}
	rows := []row{
		{[]string{"Authorization: Bearer smuggled"}, 401}, {[]string{"authorization: DPoP smuggled"}, 401}, {[]string{"AUTHORIZATION: Basic c211Z2dsZWQ="}, 401}, {[]string{"DPoP: x"}, 401}, {[]string{"dpop:"}, 401},
		{[]string{"Host: evil.example"}, 400}, {[]string{"host: evil.example"}, 400}, {[]string{"Host:"}, 400},
		{[]string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"}, 400}, {[]string{"Connection: Upgrade", "Upgrade: websocket"}, 400}, {[]string{"Upgrade: h2c"}, 400}, {[]string{"upgrade: TLS/1.0"}, 400},
		{[]string{"Authorization : Bearer smuggled"}, 400}, {[]string{"X-Api-Key\t: smuggled"}, 400}, {[]string{"No colon"}, 400}, {[]string{": no name"}, 400}, {[]string{"X-\x00: x"}, 400}, {[]string{"X-Nul: a\x00b"}, 400}, {[]string{"X-\xff: x"}, 400}, {[]string{"X Y: x"}, 400}, {[]string{"X(Y): x"}, 400},
		{[]string{"X-Long: " + strings.Repeat("x", 200<<10)}, 431}, {[]string{strings.Repeat("x", 200<<10) + ": x"}, 431},
		{[]string{"Expect: smuggled"}, 417},
	}
	many := row{nil, 431}
	for n := range 20_000 {
		many.lines = append(many.lines, fmt.Sprintf("X-%d: x", n))
	}
	return append(rows, many)
}

func TestRefusedHeaders(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range append(endpoints()[:1], endpoints()[6], endpoints()[8], endpoints()[12]) {
		for _, row := range refusedLines() {
			a := e.draft()
			a.lines = row.lines
			before := b.crossed()
			got := b.try(t, a)
			if got.status != row.status {
				t.Errorf("%s: %.80q: got %d %.200q, want %d", e.name, row.lines, got.status, got.body, row.status)
			}
			if after := b.crossed(); after != before {
				t.Errorf("%s: %.80q: %d bytes or connections reached a provider", e.name, row.lines, after-before)
			}
		}
	}
}

// framings are ways to say where a body ends on which two servers may differ.
// hidden is a whole second request, behind what one of them takes for the end.
// It comes last on its connection.
func framings(e endpoint, hidden string) []draft {
	chunked := func(parts ...string) string {
		text := ""
		for _, part := range parts {
			text += fmt.Sprintf("%x\r\n%s\r\n", len(part), part)
		}
		return text + "0\r\n\r\n"
	}
	var all []draft
	add := func(what, framing, body string) {
		a := e.draft()
		a.name, a.framing, a.body = e.name+": "+what, framing, body
		all = append(all, a)
	}
	n := len(e.body)
	add("two lengths", fmt.Sprintf("Content-Length: %d\r\nContent-Length: %d", n, n+len(hidden)), e.body+hidden)
	add("two lengths, the shorter last", fmt.Sprintf("Content-Length: %d\r\nContent-Length: %d", n+len(hidden), n), e.body+hidden)
	add("a list of lengths", fmt.Sprintf("Content-Length: %d, %d", n, n), e.body+hidden)
	for _, length := range []string{"+%d", "-%d", "0x%x", "%d.0", "%d;", "%d abc", "%d\x0b", "0%do", "१", "%d,"} {
		text := length
		if strings.Contains(length, "%") {
			text = fmt.Sprintf(length, n)
		}
		add("length "+length, "Content-Length: "+text, e.body+hidden)
	}
	add("a length that overflows", "Content-Length: 18446744073709551617", e.body+hidden)
	for _, coding := range []string{
		"gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "identity, chunked", "xchunked", "chunkedx", "chunked;x", "\"chunked\"", "chunked\x0b", "cow", "", ",chunked",
	} {
		add("coding "+coding, "Transfer-Encoding: "+coding, chunked(e.body)+hidden)
		add("coding "+coding+" with a length", fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: %s", n, coding), e.body+hidden)
	}
	add("two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", chunked(e.body)+hidden)
	add("two codings, one unknown", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", chunked(e.body)+hidden)
	add("a space before the colon", "Transfer-Encoding : chunked", chunked(e.body)+hidden)
	add("a length that is none with chunks", "Content-Length: x\r\nTransfer-Encoding: chunked", chunked(e.body)+hidden)
	for what, text := range map[string]string{
		"size of a chunk with a sign": fmt.Sprintf("+%x\r\n%s\r\n0\r\n\r\n", n, e.body), "size of a chunk with 0x": fmt.Sprintf("0x%x\r\n%s\r\n0\r\n\r\n", n, e.body), "negative chunk": "-1\r\n" + e.body + "\r\n0\r\n\r\n",
		"chunk that overflows": "10000000000000000\r\n" + e.body + "\r\n0\r\n\r\n", "chunk longer than its size": fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", n-3, e.body), "chunk without a line end": fmt.Sprintf("%x\r\n%s0\r\n\r\n", n, e.body),
		"no size": "\r\n" + e.body + "\r\n0\r\n\r\n", "sizes in words": "five\r\n" + e.body + "\r\n0\r\n\r\n", "endless extension": fmt.Sprintf("%x;%s\r\n%s\r\n0\r\n\r\n", n, strings.Repeat("x", 50_000), e.body),
	} {
		add(what, "Transfer-Encoding: chunked", text)
	}
	return all
}

// TestFramingTricks hides a second request, for another model, behind a body. A
// framing two servers may read differently is refused and ends the connection.
func TestFramingTricks(t *testing.T) {
	t.Parallel()
	b := newBorder(t)
	for _, e := range append(endpoints()[:1], endpoints()[6], endpoints()[8], endpoints()[12]) {
		hidden := b.wireText(t, e.draft())
		for _, a := range framings(e, hidden) {
			before := b.crossed()
			statuses, closed := b.statuses(t, a)
			if len(statuses) != 1 || statuses[0] < 400 || statuses[0] > 501 || !closed {
				t.Errorf("%s: got %v, closed %v", a.name, statuses, closed)
			}
			if after := b.crossed(); after != before {
				t.Errorf("%s: %d bytes or connections reached a provider", a.name, after-before)
			}
		}
		// Chunks win over a length (RFC 9112 section 6.3), folded lines are
		// unfolded (section 5.2), and equal lengths are one (section 6.3). What
		// goes on has the gateway's own framing.
		inChunks := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(e.body), e.body)
		length := fmt.Sprintf("Content-Length: %d", len(e.body))
		for framing, body := range map[string]string{
			"Transfer-Encoding: chunked": inChunks, "Content-Length: 3\r\nTransfer-Encoding: chunked": inChunks, "Transfer-Encoding: CHUNKED\r\nContent-Length: 0": inChunks,
			"Transfer-Encoding:\r\n chunked": inChunks, "Trailer: Authorization\r\nTransfer-Encoding: chunked": strings.TrimSuffix(inChunks, "\r\n") + "Authorization: Bearer smuggled\r\n\r\n",
			length + "\r\n" + length: e.body, "Content-Length:\r\n  " + length[len("Content-Length: "):]: e.body,
		} {
			a := e.draft()
			a.framing, a.body = framing, body
			r, sent := b.passes(t, framing, a)
			if sent != e.body || r.ContentLength != int64(len(e.body)) || len(r.TransferEncoding) > 0 || len(r.Trailer) > 0 || strings.Contains(fmt.Sprint(r.Header), "smuggled") {
				t.Errorf("%s: %q: the provider was sent %v %v %s", e.name, framing, r.Header, r.TransferEncoding, sent)
			}
		}
	}
}

// statuses are those of all answers on one connection, and whether the gateway
// has closed it.
func (b *border) statuses(t *testing.T, a draft) (all []int, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // only so that a failure ends
	if _, err := io.WriteString(conn, b.wireText(t, a)); err != nil {
		return nil, true // closed while it was being written
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	answers := bufio.NewReader(conn)
	for {
		answer, err := http.ReadResponse(answers, &http.Request{Method: a.method})
		if err != nil {
			_, err := answers.ReadByte()
			return all, err != nil
		}
		all = append(all, answer.StatusCode)
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return all, true
		}
	}
}
